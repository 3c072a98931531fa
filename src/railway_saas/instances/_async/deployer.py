"""Bringing a template to run in a project of its own."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from railway_saas.errors import RailwayError, RailwayInputError, TemplateError
from railway_saas.instances._async.builder import AsyncStackBuilder
from railway_saas.instances.progress import Progress, look_delays
from railway_saas.instances.stack import (
    Stack,
    StackEvent,
    counted,
    provisioning_error,
    provisioning_step,
    read_stack,
    refuse_failed,
    too_late,
)
from railway_saas.railway.operations import overview

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from railway_saas.railway._async._client import AsyncRailwayClient
    from railway_saas.templates import Template
    from railway_saas.templates.expressions import RandomSource

WORKFLOW_TIMEOUT_S = 120.0
"""Railway's CLI asks 120 times, a second apart."""

_LOOKS_AFTER_DOUBT = 3
"""How often to look whether a deploy landed whose answer was lost; a gateway's 504 comes after the work began."""


class AsyncStackDeployer:
    """Deploys templates through a client.

    ```python
    deployer = AsyncStackDeployer(railway, on_event=lambda event: print(event.message))
    stack = await deployer.deploy(template, project_name="acme", workspace_id=workspace_id)
    print(stack.addresses)
    ```

    Args:
        client: The Railway client.
        on_event: Called with every step, for progress bars and logs; what it raises is logged.
        random: Where generated secrets come from when a stack is built from single calls.
    """

    def __init__(
        self,
        client: AsyncRailwayClient,
        *,
        on_event: Callable[[StackEvent], None] | None = None,
        random: RandomSource | None = None,
    ) -> None:
        self._client = client
        self._clock = client.clock
        self._on_event = on_event
        self._random = random or secrets.SystemRandom()

    async def deploy(
        self,
        template: Template,
        *,
        project_name: str | None = None,
        workspace_id: str | None = None,
        template_id: str | None = None,
        description: str | None = None,
        wait: bool = True,
        timeout_s: float = 900.0,
    ) -> Stack:
        """Make a project and bring a template to run in it.

        With `template_id` Railway deploys the document itself (`templateDeployV2`). Where Railway refuses that,
        and for documents it does not know, the same services are built from single calls.

        Args:
            template: The document, its required inputs filled in (`Template.fill`).
            project_name: Railway invents one when None.
            workspace_id: Needed with an account token.
            template_id: Railway's id of the template that this document belongs to.
            description: The project's description.
            wait: Return when every service runs; otherwise as soon as Railway has accepted everything.
            timeout_s: Seconds until every service must run.

        Raises:
            TemplateError: The document has faults, or required inputs are missing. Nothing was created.
            RailwayInputError: `template_id` is blank. Nothing was created.
            ProvisioningError: A step failed or a service did not come up; it names the project, which stays.
        """
        ready = _checked(template)
        if template_id is not None and not template_id.strip():
            raise RailwayInputError(
                "template_id: must not be blank; leave it out for a document of your own",
                argument="template_id",
            )
        progress = Progress(
            self._clock.monotonic, self._on_event, total=len(ready.services), timeout_s=timeout_s
        )
        with provisioning_step("project", None):
            project = await self._client.projects.create(
                name=project_name, workspace_id=workspace_id, description=description
            )
        progress.tell("project", f"created project {project.name}")
        environment_id = project.environments[0].id
        keys: Mapping[str, str] = {}
        if template_id is None or not await self._deploy_known(
            ready, template_id, project.id, environment_id, progress
        ):
            builder = AsyncStackBuilder(self._client, project.id, environment_id, progress, self._random)
            keys = await builder.build(ready, wait=wait)
        if wait:
            return await self.wait(project.id, environment_id, keys=keys, progress=progress)
        with provisioning_step("status", project.id):
            return await self.look(environment_id, keys=keys)

    async def look(self, environment_id: str, *, keys: Mapping[str, str] | None = None) -> Stack:
        """How the services of an environment stand: one request."""
        return read_stack(await self._client.run(overview.environment(environment_id)), keys)

    async def wait(
        self,
        project_id: str,
        environment_id: str,
        *,
        keys: Mapping[str, str] | None = None,
        progress: Progress | None = None,
        timeout_s: float = 900.0,
    ) -> Stack:
        """Look with growing pauses until every service of an environment runs.

        Raises:
            ProvisioningError: A service failed, or time is up; `services` has the states.
        """
        progress = progress or Progress(self._clock.monotonic, self._on_event, total=0, timeout_s=timeout_s)
        pause = look_delays()
        while True:
            await self._clock.sleep(progress.pause_s(pause()))
            with provisioning_step("status", project_id):
                stack = await self.look(environment_id, keys=keys)
            progress.look(stack)
            refuse_failed(stack)
            if len(stack.services) >= progress.total and stack.is_running:
                return stack
            if progress.remaining_s <= 0:
                raise too_late(stack, progress.elapsed_s)

    async def _deploy_known(
        self, template: Template, template_id: str, project_id: str, environment_id: str, progress: Progress
    ) -> bool:
        """Let Railway deploy the document; False when it refuses and nothing was made."""
        workflow_id = None
        try:
            accepted = await self._client.templates.deploy(
                template_id=template_id,
                serialized_config=template.serialize(),
                project_id=project_id,
                environment_id=environment_id,
            )
            workflow_id = accepted.workflow_id
        except RailwayInputError as error:
            raise provisioning_error("template", project_id, error) from error
        except RailwayError as error:
            if not await self._landed(environment_id, in_doubt=error.maybe_applied):
                if error.errors:  # Railway answered, and refused
                    progress.tell(
                        "template",
                        "Railway refuses to deploy this template itself: building it from single calls",
                    )
                    return False
                raise provisioning_error("template", project_id, error) from error
        progress.tell("template", f"Railway is deploying {counted(len(template.services), 'service')}")
        if workflow_id is not None:
            with provisioning_step("template", project_id):
                await self._client.workflows.wait_until_complete(
                    workflow_id, timeout_s=max(1.0, progress.pause_s(WORKFLOW_TIMEOUT_S))
                )
        return True

    async def _landed(self, environment_id: str, *, in_doubt: bool) -> bool:
        """Whether services have appeared after a deploy whose answer was an error."""
        pause = look_delays(first_s=4.0)
        for _ in range(_LOOKS_AFTER_DOUBT if in_doubt else 1):
            await self._clock.sleep(pause())
            if (await self.look(environment_id)).services:
                return True
        return False


def _checked(template: Template) -> Template:
    """The document with every input settled.

    Raises:
        TemplateError: Faults of the document, or missing inputs.
    """
    problems = template.check()
    if problems:
        raise TemplateError("the template has faults; nothing was created", problems=problems)
    return template.fill({})
