"""The instance manager: what owners and operators ask of instances, and the loop that makes it so."""

from __future__ import annotations

from railway_saas.instances._async.managing.accepting import AsyncAccepting
from railway_saas.instances._async.managing.backing_up import AsyncBackingUp
from railway_saas.instances._async.managing.catalogue import AsyncCatalogueVerbs
from railway_saas.instances._async.managing.changing import AsyncChanging
from railway_saas.instances._async.managing.driving import AsyncDriving
from railway_saas.instances._async.managing.operating import AsyncOperating
from railway_saas.instances._async.managing.reading import AsyncReading
from railway_saas.instances._async.managing.switching import AsyncSwitching
from railway_saas.instances._async.managing.upgrading import AsyncUpgrading


class AsyncInstanceManager(
    AsyncCatalogueVerbs,
    AsyncAccepting,
    AsyncReading,
    AsyncChanging,
    AsyncSwitching,
    AsyncUpgrading,
    AsyncBackingUp,
    AsyncOperating,
    AsyncDriving,
):
    """Runs instances of templates for owners, on Railway.

    ```python
    manager = AsyncInstanceManager(railway, database, workspace_id=workspace_id, plans=plans)
    instance = await manager.deploy(user_id=owner, template_id=template.id, name="blog", inputs=values, wait=True)
    ```

    Verbs check, write what is wanted, and return; the loop does the work: `reconcile(id)` from any job runner, `run_due()`
    in a worker, or `wait=True` inline. Every verb takes `user_id`: with it, somebody else's instance does not exist;
    without it the caller is the operator. Arguments of the wrong kind are `InstanceInputError`s that name them.

    Args:
        client: The Railway client; it stays yours to close.
        database: Where instances are kept: `railway_saas.repositories`.
        workspace_id: The Railway workspace that instances are made in.
        plans: What owners may run; without plans there are no limits.
        placement: Where instances go; a project for each unless given.
        settings: How patient to be.
        worker: A name that no other running worker has; made up unless given.
        on_event: Called with every event once it is committed; what it raises is logged. In a notebook events are shown
            unless given.
        now: The present moment, aware; the client's clock unless given.
        random: Where generated secrets come from when a stack is built from single calls.

    Raises:
        ConfigurationError: `workspace_id` or `worker` is blank.
    """
