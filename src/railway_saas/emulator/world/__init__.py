"""What exists: workspaces, projects, environments, services, deployments and all that hangs on them.

Entities are plain slotted dataclasses which point at each other; `World` holds them and the indexes to find them
by. Nothing here knows GraphQL or HTTP.
"""

from railway_saas.emulator.world.accounts import Member, Token, TokenKind, User, Workspace
from railway_saas.emulator.world.deployments import (
    Deployment,
    DeploymentEvent,
    DeploymentInstance,
    InstanceExecution,
    Outcome,
)
from railway_saas.emulator.world.networking import CustomDomain, ServiceDomain, TcpProxy
from railway_saas.emulator.world.projects import (
    Environment,
    Project,
    RepoTrigger,
    Service,
    ServiceInstance,
    ServiceSettings,
    ServiceSource,
    Variable,
)
from railway_saas.emulator.world.storage import (
    BackupSchedule,
    Bucket,
    BucketInstance,
    Volume,
    VolumeBackup,
    VolumeInstance,
)
from railway_saas.emulator.world.world import Hooks, World, WorldSettings

__all__ = [
    "BackupSchedule",
    "Bucket",
    "BucketInstance",
    "CustomDomain",
    "Deployment",
    "DeploymentEvent",
    "DeploymentInstance",
    "Environment",
    "Hooks",
    "InstanceExecution",
    "Member",
    "Outcome",
    "Project",
    "RepoTrigger",
    "Service",
    "ServiceDomain",
    "ServiceInstance",
    "ServiceSettings",
    "ServiceSource",
    "TcpProxy",
    "Token",
    "TokenKind",
    "User",
    "Variable",
    "Volume",
    "VolumeBackup",
    "VolumeInstance",
    "Workspace",
    "World",
    "WorldSettings",
]
