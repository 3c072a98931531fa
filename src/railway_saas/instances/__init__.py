"""From a template document to services that run."""

from railway_saas.instances._async.deployer import AsyncStackDeployer
from railway_saas.instances._sync.deployer import StackDeployer
from railway_saas.instances.stack import Stack, StackEvent, StackService

__all__ = ["AsyncStackDeployer", "Stack", "StackDeployer", "StackEvent", "StackService"]
