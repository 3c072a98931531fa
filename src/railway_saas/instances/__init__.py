"""From a template to an instance that runs, is watched, changed, billed and deleted.

`InstanceManager` keeps instances in a database and survives anything; `StackDeployer` deploys once, without one.
"""

from railway_saas.instances._async.deployer import AsyncStackDeployer
from railway_saas.instances._async.inventory import AsyncInventory
from railway_saas.instances._async.manager import AsyncInstanceManager
from railway_saas.instances._async.usage import AsyncUsageCollector, AsyncUsageStatements
from railway_saas.instances._async.webhook_intake import AsyncWebhookIntake
from railway_saas.instances._async.webhook_setup import AsyncWebhookSetup
from railway_saas.instances._sync.deployer import StackDeployer
from railway_saas.instances._sync.inventory import Inventory
from railway_saas.instances._sync.manager import InstanceManager
from railway_saas.instances._sync.usage import UsageCollector, UsageStatements
from railway_saas.instances._sync.webhook_intake import WebhookIntake
from railway_saas.instances._sync.webhook_setup import WebhookSetup
from railway_saas.instances.manager_settings import ManagerSettings
from railway_saas.instances.outcomes import Outcome, OutcomeKind, RunReport
from railway_saas.instances.placement import Placement, ProjectPerInstance
from railway_saas.instances.previews import UpgradePreview
from railway_saas.instances.stack import Stack, StackEvent, StackService
from railway_saas.instances.stocktaking import Discrepancy, DiscrepancyKind, InventoryReport, RepairOutcome
from railway_saas.instances.verbs import Verb

__all__ = [
    "AsyncInstanceManager",
    "AsyncInventory",
    "AsyncStackDeployer",
    "AsyncUsageCollector",
    "AsyncUsageStatements",
    "AsyncWebhookIntake",
    "AsyncWebhookSetup",
    "Discrepancy",
    "DiscrepancyKind",
    "InstanceManager",
    "Inventory",
    "InventoryReport",
    "ManagerSettings",
    "Outcome",
    "OutcomeKind",
    "Placement",
    "ProjectPerInstance",
    "RepairOutcome",
    "RunReport",
    "Stack",
    "StackDeployer",
    "StackEvent",
    "StackService",
    "UpgradePreview",
    "UsageCollector",
    "UsageStatements",
    "Verb",
    "WebhookIntake",
    "WebhookSetup",
]
