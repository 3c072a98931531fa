r"""How deployments come, go and change by themselves.

```text
          (NEEDS_APPROVAL | WAITING on CI | QUEUED when capacity is short)
                                  |
created -> INITIALIZING -> BUILDING -> DEPLOYING -> SUCCESS <-> SLEEPING     BUILDING only for code sources
                |             |           |            |  \\
                |             |           |            |   -> CRASHED        restarts used up
                |             +-> FAILED <+            |          |
                +-> REMOVED (cancelled)                +----------+-> REMOVING -> REMOVED
```

Every step is an event of the clock. The times are those recorded on the live platform for a small image: status
DEPLOYING after 0.6 s, the container INITIALIZING, CREATED and RUNNING at 1.6, 2.9 and 4.3 s, SUCCESS between 6.3 and
8.7 s after the deployment was made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from railway_saas.emulator import cron
from railway_saas.emulator.world.deployments import (
    ACTIVE,
    IN_PROGRESS,
    TERMINAL,
    Deployment,
    DeploymentEvent,
    DeploymentInstance,
    InstanceExecution,
    Outcome,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from railway_saas.emulator.world.accounts import User
    from railway_saas.emulator.world.projects import ServiceInstance, ServiceSettings, Variables
    from railway_saas.emulator.world.world import World

    Step = Callable[[World, Deployment], None]

BEGIN_S = 0.595
CONTAINER_S = (0.9, 1.3, 1.4)
"""From DEPLOYING to the container's INITIALIZING, on to CREATED, on to RUNNING."""
SETTLE_S = (2.1, 4.5)
"""From the running container to SUCCESS: 6.3 to 8.7 s in all."""
HEALTHCHECK_S = (1.0, 3.0)
HEALTHCHECK_TIMEOUT_S = 300
PRE_DEPLOY_S = 3.0
SNAPSHOT_S = 1.5
BUILD_S = (18.0, 45.0)
PUBLISH_S = 2.0
STOP_S = (1.6, 3.4)
RESTART_S = 0.3
REMOVE_S = (1.5, 8.0)
SLEEP_AFTER_S = (400.0, 480.0)
"""Railway documents 10 minutes without outbound packets; 6 to 8.2 minutes were measured."""
WAKE_S = 1.2
CRON_RUN_S = (10.0, 40.0)
KEPT_EXECUTIONS = 50
KEPT_NOTES = 200

STATUS_EVENTS = {
    "BUILDING": "building",
    "DEPLOYING": "deploying",
    "SUCCESS": "deployed",
    "FAILED": "failed",
    "CRASHED": "crashed",
    "REMOVED": "removed",
    "SLEEPING": "slept",
    "QUEUED": "queued",
    "WAITING": "waiting",
    "NEEDS_APPROVAL": "needsApproval",
}


def deploy_service_instance(  # noqa: PLR0913 - keyword-only options
    world: World,
    instance: ServiceInstance,
    *,
    reason: str = "deploy",
    creator: User | None = None,
    settings: ServiceSettings | None = None,
    variables: Variables | None = None,
    wait_for: Iterable[Deployment] = (),
    commit_hash: str | None = None,
) -> Deployment:
    """Make a deployment and set it going.

    `reason` is what `meta.reason` says: deploy, redeploy, rollback. `settings` and `variables` are the instance's own
    unless a redeploy or roll-back brings an earlier deployment's. `wait_for` names deployments that must have come to
    rest first, which Railway does in batch deploys only.
    """
    now = world.clock.now()
    settings = settings or instance.settings
    deployment = Deployment(
        id=world.ids.uuid(),
        instance=instance,
        settings=settings,
        variables=instance.variables if variables is None else variables,
        shared_variables=instance.environment.shared_variables,
        created_at=now,
        updated_at=now,
        reason=reason,
        creator=creator,
        snapshot_id=world.ids.uuid(),
        commit_hash=commit_hash or settings.commit_sha,
        outcome=world.faults.outcome(instance),
    )
    instance.deployments.append(deployment)
    world.deployments[deployment.id] = deployment
    _wait(world, deployment, wait_for)
    return deployment


def stop(world: World, deployment: Deployment) -> None:
    """Let the containers exit; the status stays. A few seconds pass until that shows."""
    _overtake(deployment)
    _later(world, deployment, world.ids.between(*STOP_S), _stopped)


def restart(world: World, deployment: Deployment) -> None:
    """Start the process again, in the same deployment and the same containers."""
    _overtake(deployment)
    deployment.restarts = 0
    _end_run(world, deployment)
    _set_instances(world, deployment, "RESTARTING")
    _later(world, deployment, RESTART_S, _restarted)


def cancel(world: World, deployment: Deployment) -> None:
    """Abort one that is still on its way."""
    _overtake(deployment)
    _close_events(world, deployment, error="cancelled")
    _gone(world, deployment)


def remove(world: World, deployment: Deployment, *, after_s: float = 0.5, draining_s: float = 0.0) -> None:
    """Stop it and move it to history: REMOVING, then REMOVED."""
    if deployment.status in TERMINAL or deployment.status == "REMOVING":
        return
    _overtake(deployment)
    _later(world, deployment, after_s, lambda w, d: _removing(w, d, draining_s))


def discard(world: World, deployment: Deployment) -> None:
    """End it at once, because what it belongs to is being deleted."""
    _overtake(deployment)
    if deployment.status not in TERMINAL:
        _gone(world, deployment)


def approve(world: World, deployment: Deployment) -> None:
    """Let one go on that needed an approval."""
    _overtake(deployment)
    _start(world, deployment)


def wake(world: World, deployment: Deployment) -> None:
    """A request reached a sleeping deployment: a good second later it runs again."""
    _overtake(deployment)
    _later(world, deployment, WAKE_S, _woken)


def run_now(world: World, deployment: Deployment) -> InstanceExecution:
    """Start one run of a cron service."""
    now = world.clock.now()
    execution = InstanceExecution(world.ids.uuid(), deployment, "RUNNING", now, now)
    deployment.executions.append(execution)
    del deployment.executions[:-KEPT_EXECUTIONS]
    if not deployment.instances:
        _add_instances(world, deployment)
    _set_instances(world, deployment, "RUNNING")
    _begin_run(world, deployment)
    deployment.deployment_stopped = False
    _publish_execution(world, execution)
    _later(world, deployment, world.ids.between(*CRON_RUN_S), _run_ended)
    return execution


def redeployable(deployment: Deployment) -> bool:
    """Whether `deploymentRedeploy` takes it."""
    return deployment.status not in IN_PROGRESS and deployment.instance.deleted_at is None


# Steps ------------------------------------------------------------------------------------------------------------


def _overtake(deployment: Deployment) -> None:
    """Make everything that was queued for this deployment void."""
    deployment.stage += 1


def _later(world: World, deployment: Deployment, delay_s: float, step: Step) -> None:
    stage = deployment.stage

    def run() -> None:
        if deployment.stage == stage:
            step(world, deployment)

    world.clock.call_later(delay_s, run)


def _set_status(world: World, deployment: Deployment, status: str, *, event: str | None = None) -> None:
    now = world.clock.now()
    deployment.status = status
    deployment.status_updated_at = deployment.updated_at = now
    world.publish("deployment", deployment.id, deployment)
    name = event or STATUS_EVENTS.get(status)
    if name is not None:
        announce(world, deployment, name)
    if status not in IN_PROGRESS:
        _release_dependants(world, deployment)


def announce(world: World, deployment: Deployment, event: str) -> None:
    """Tell whoever listens (webhooks) that something happened to a deployment."""
    for listener in world.hooks.deployment_event:
        listener(deployment, event)


def _wait(world: World, deployment: Deployment, wait_for: Iterable[Deployment]) -> None:
    pending = [other for other in wait_for if other.status in IN_PROGRESS]
    if not pending:
        _enter(world, deployment)
        return
    deployment.waiting_for = {other.id for other in pending}
    open_event(world, deployment, "WAIT_FOR_DEPENDENCIES")
    for other in pending:
        world.dependants.setdefault(other.id, []).append(deployment)


def _release_dependants(world: World, deployment: Deployment) -> None:
    for waiting in world.dependants.pop(deployment.id, ()):
        waiting.waiting_for.discard(deployment.id)
        if not waiting.waiting_for and waiting.status == "INITIALIZING":
            _close_events(world, waiting)
            _enter(world, waiting)


def _enter(world: World, deployment: Deployment) -> None:
    gate = _GATES.get(deployment.outcome.kind) if deployment.outcome else None
    if gate is None:
        _start(world, deployment)
    else:
        _later(world, deployment, BEGIN_S, gate)


def _needs_approval(world: World, deployment: Deployment) -> None:
    _set_status(world, deployment, "NEEDS_APPROVAL")


def _queued(world: World, deployment: Deployment) -> None:
    _set_status(world, deployment, "QUEUED")
    _later(world, deployment, _outcome(deployment).after_s, _start)


def _skipped_by_ci(world: World, deployment: Deployment) -> None:
    _set_status(world, deployment, "WAITING")
    _later(world, deployment, _outcome(deployment).after_s, lambda w, d: _set_status(w, d, "SKIPPED"))


_GATES: dict[str, Step] = {
    "needs_approval": _needs_approval,
    "queued": _queued,
    "skipped": _skipped_by_ci,
}


def _start(world: World, deployment: Deployment) -> None:
    _later(world, deployment, BEGIN_S, _snapshot if deployment.settings.repo else _deploying)


def _snapshot(world: World, deployment: Deployment) -> None:
    _set_status(world, deployment, "BUILDING")
    open_event(world, deployment, "SNAPSHOT_CODE")
    _later(world, deployment, SNAPSHOT_S, _build)


def _build(world: World, deployment: Deployment) -> None:
    _next_event(world, deployment, "BUILD_IMAGE")
    build_s = world.ids.between(*BUILD_S)
    if _ends_with(deployment, "build_fails"):
        _later(world, deployment, build_s / 2, lambda w, d: _fail(w, d, "Build failed"))
    else:
        _later(world, deployment, build_s, _publish_image)


def _publish_image(world: World, deployment: Deployment) -> None:
    _next_event(world, deployment, "PUBLISH_IMAGE")
    _later(world, deployment, PUBLISH_S, _deploying)


def _deploying(world: World, deployment: Deployment) -> None:
    _close_events(world, deployment)
    if _ends_with(deployment, "build_fails"):  # an image has no build: it cannot be pulled
        _set_status(world, deployment, "DEPLOYING")
        _later(world, deployment, CONTAINER_S[0], lambda w, d: _fail(w, d, "Failed to pull image"))
        return
    _set_status(world, deployment, "DEPLOYING")
    if deployment.settings.pre_deploy_command:
        open_event(world, deployment, "PRE_DEPLOY_COMMAND")
        _later(world, deployment, PRE_DEPLOY_S, _pre_deployed)
    else:
        _create_container(world, deployment)


def _pre_deployed(world: World, deployment: Deployment) -> None:
    if _ends_with(deployment, "pre_deploy_fails"):
        _fail(world, deployment, "Pre-deploy command failed")
        return
    _close_events(world, deployment)
    _create_container(world, deployment)


def _create_container(world: World, deployment: Deployment) -> None:
    open_event(world, deployment, "CREATE_CONTAINER")
    if deployment.settings.cron_schedule:
        _later(world, deployment, sum(CONTAINER_S), _settle)
        return
    if deployment.instance.volume_instances:
        _release_volume(world, deployment)
    _later(world, deployment, CONTAINER_S[0], _container_initializing)


def _release_volume(world: World, deployment: Deployment) -> None:
    """Two containers cannot hold one volume: the old one stops before the new one starts."""
    for other in deployment.instance.deployments:
        if other is not deployment and other.is_running:
            _end_run(world, other)
            _set_instances(world, other, "STOPPED")


def _container_initializing(world: World, deployment: Deployment) -> None:
    _add_instances(world, deployment)
    _later(world, deployment, CONTAINER_S[1], _container_created)


def _container_created(world: World, deployment: Deployment) -> None:
    _set_instances(world, deployment, "CREATED")
    _later(world, deployment, CONTAINER_S[2], _container_running)


def _container_running(world: World, deployment: Deployment) -> None:
    _set_instances(world, deployment, "RUNNING")
    _begin_run(world, deployment)
    if _ends_with(deployment, "never_leaves_deploying"):
        return
    if not deployment.settings.healthcheck_path:
        _settle(world, deployment)
        return
    _next_event(world, deployment, "HEALTHCHECK")
    if _ends_with(deployment, "healthcheck_fails"):
        timeout_s = deployment.settings.healthcheck_timeout or HEALTHCHECK_TIMEOUT_S
        _later(world, deployment, timeout_s, lambda w, d: _fail(w, d, "Healthcheck failed"))
    else:
        _later(world, deployment, world.ids.between(*HEALTHCHECK_S), _settle)


def _settle(world: World, deployment: Deployment) -> None:
    _next_event(world, deployment, "CONFIGURE_NETWORK")
    _later(world, deployment, world.ids.between(*SETTLE_S), _succeed)


def _succeed(world: World, deployment: Deployment) -> None:
    _close_events(world, deployment)
    deployment.succeeded_at = world.clock.now()
    deployment.deployment_stopped = not deployment.is_running
    _set_status(world, deployment, "SUCCESS", event="redeployed" if deployment.reason == "redeploy" else None)
    _live(world, deployment)
    _retire_others(world, deployment)


def _live(world: World, deployment: Deployment) -> None:
    """Queue what is going to happen to a deployment by itself from now on."""
    if deployment.settings.cron_schedule:
        _queue_cron(world, deployment)
        return
    outcome = deployment.outcome
    if outcome is not None and outcome.kind in _ENDINGS:
        _later(world, deployment, outcome.after_s, _ENDINGS[outcome.kind])
    if deployment.settings.sleep_application:
        _later(world, deployment, world.ids.between(*SLEEP_AFTER_S), _doze)


def _retire_others(world: World, deployment: Deployment) -> None:
    """Replace all earlier ones; one that comes to its end after a later one is replaced itself."""
    overlap_s = deployment.settings.overlap_seconds or 0
    position = deployment.instance.deployments.index(deployment)
    earlier, later = (
        deployment.instance.deployments[:position],
        deployment.instance.deployments[position + 1 :],
    )
    overtaken = [deployment] if any(one.status in {"SUCCESS", "SLEEPING"} for one in later) else []
    for other in (*earlier, *overtaken):
        remove(world, other, after_s=0.5 + overlap_s, draining_s=other.settings.draining_seconds or 0)


def _fail(world: World, deployment: Deployment, error: str) -> None:
    _overtake(deployment)
    _close_events(world, deployment, error=error)
    _note(world, deployment, "error", error)
    _end_run(world, deployment)
    _set_instances(world, deployment, "REMOVED")
    deployment.deployment_stopped = True
    _set_status(world, deployment, "FAILED")
    _give_volume_back(world, deployment)


def _give_volume_back(world: World, deployment: Deployment) -> None:
    """The previous deployment stays in service when the new one fails."""
    for other in deployment.instance.deployments:
        if other.status == "SUCCESS" and any(one.status == "STOPPED" for one in other.instances):
            _set_instances(world, other, "RUNNING")
            _begin_run(world, other)


def _stopped(world: World, deployment: Deployment) -> None:
    _note(world, deployment, "info", "Stopping Container")
    _end_run(world, deployment)
    _set_instances(world, deployment, "EXITED")
    _end_executions(world, deployment, "EXITED")
    deployment.deployment_stopped = True


def _restarted(world: World, deployment: Deployment) -> None:
    if not deployment.settings.cron_schedule:
        if not deployment.instances:
            _add_instances(world, deployment)
        _set_instances(world, deployment, "RUNNING")
        _begin_run(world, deployment)
        deployment.deployment_stopped = False
    _set_status(world, deployment, "SUCCESS", event="restarted")
    _live(world, deployment)


def _removing(world: World, deployment: Deployment, draining_s: float) -> None:
    _set_instances(world, deployment, "REMOVING")
    open_event(world, deployment, "DRAIN_INSTANCES")
    _set_status(world, deployment, "REMOVING")
    _later(world, deployment, draining_s + world.ids.between(*REMOVE_S), _removed)


def _removed(world: World, deployment: Deployment) -> None:
    _close_events(world, deployment)
    _gone(world, deployment)


def _gone(world: World, deployment: Deployment) -> None:
    _end_run(world, deployment)
    _set_instances(world, deployment, "REMOVED")
    _end_executions(world, deployment, "REMOVED")
    deployment.deployment_stopped = True
    deployment.removed_at = world.clock.now()
    _set_status(world, deployment, "REMOVED")


# Sleeping, crashing, completing -------------------------------------------------------------------------------------


def _doze(world: World, deployment: Deployment) -> None:
    last = deployment.last_request_at
    idle_s = (world.clock.now() - last).total_seconds() if last else SLEEP_AFTER_S[1]
    if idle_s < SLEEP_AFTER_S[0]:
        _later(world, deployment, SLEEP_AFTER_S[0] - idle_s, _doze)
        return
    _end_run(world, deployment)
    deployment.deployment_stopped = True  # the instance still says RUNNING
    _set_status(world, deployment, "SLEEPING")


def _woken(world: World, deployment: Deployment) -> None:
    _begin_run(world, deployment)
    deployment.deployment_stopped = False
    _set_status(world, deployment, "SUCCESS", event="resumed")
    _live(world, deployment)


def _crash(world: World, deployment: Deployment) -> None:
    _end_run(world, deployment)
    _set_instances(world, deployment, "CRASHED")
    if _ends_with(deployment, "out_of_memory"):
        _note(world, deployment, "error", "Out of memory: killed process 1")
        announce(world, deployment, "oomKilled")
    else:
        _note(world, deployment, "error", f"Process exited with code {_outcome(deployment).exit_code}")
    settings = deployment.settings
    if settings.restart_policy_type == "NEVER" or deployment.restarts >= settings.restart_policy_max_retries:
        deployment.deployment_stopped = True
        _set_status(world, deployment, "CRASHED")
        return
    deployment.restarts += 1
    _set_instances(world, deployment, "RESTARTING")
    _later(world, deployment, RESTART_S, _run_again)


def _run_again(world: World, deployment: Deployment) -> None:
    _set_instances(world, deployment, "RUNNING")
    _begin_run(world, deployment)
    _later(world, deployment, max(1.0, _outcome(deployment).after_s), _crash)


def _complete(world: World, deployment: Deployment) -> None:
    """Exit code 0: the dashboard calls it Completed, the status stays SUCCESS."""
    _stopped(world, deployment)
    if deployment.settings.restart_policy_type == "ALWAYS":
        _later(world, deployment, RESTART_S, _restarted)


_ENDINGS: dict[str, Step] = {"crash": _crash, "out_of_memory": _crash, "completes": _complete}


# Cron -------------------------------------------------------------------------------------------------------------


def _queue_cron(world: World, deployment: Deployment) -> None:
    schedule = cron.parse(deployment.settings.cron_schedule or "")
    due = schedule.next_after(world.clock.now())
    if due is None:
        return
    stage = deployment.stage

    def run() -> None:
        if deployment.stage == stage and deployment.status == "SUCCESS":
            _cron_due(world, deployment)

    world.clock.call_at(due, run)


def _cron_due(world: World, deployment: Deployment) -> None:
    """Railway: a run that is still going makes the next one be skipped."""
    if not deployment.is_running:
        run_now(world, deployment)
    _queue_cron(world, deployment)


def _run_ended(world: World, deployment: Deployment) -> None:
    failed = deployment.outcome is not None and deployment.outcome.kind in {"crash", "out_of_memory"}
    status = "CRASHED" if failed else "EXITED"
    _end_run(world, deployment)
    _set_instances(world, deployment, status)
    _end_executions(world, deployment, status)
    deployment.deployment_stopped = True


def _end_executions(world: World, deployment: Deployment, status: str) -> None:
    now = world.clock.now()
    for execution in deployment.executions:
        if execution.completed_at is None:
            execution.status = status
            execution.completed_at = execution.updated_at = now
            _publish_execution(world, execution)


def _publish_execution(world: World, execution: InstanceExecution) -> None:
    world.publish("execution", execution.deployment.id, execution)


# Containers, runs and events ----------------------------------------------------------------------------------------


def _outcome(deployment: Deployment) -> Outcome:
    return deployment.outcome or Outcome("well")


def _ends_with(deployment: Deployment, kind: str) -> bool:
    return deployment.outcome is not None and deployment.outcome.kind == kind


def _note(world: World, deployment: Deployment, severity: str, message: str) -> None:
    """Leave a line in the log."""
    deployment.notes.append((world.clock.now(), severity, message))
    del deployment.notes[:-KEPT_NOTES]


def _add_instances(world: World, deployment: Deployment) -> None:
    count = deployment.settings.replicas
    deployment.instances = [DeploymentInstance(world.ids.uuid(), "INITIALIZING") for _ in range(count)]
    deployment.updated_at = world.clock.now()


def _set_instances(world: World, deployment: Deployment, status: str) -> None:
    for instance in deployment.instances:
        instance.status = status
    deployment.updated_at = world.clock.now()


def _begin_run(world: World, deployment: Deployment) -> None:
    if not deployment.is_running:
        deployment.runs.append((world.clock.now(), None))


def _end_run(world: World, deployment: Deployment) -> None:
    if deployment.is_running:
        deployment.runs[-1] = (deployment.runs[-1][0], world.clock.now())


def open_event(world: World, deployment: Deployment, step: str) -> DeploymentEvent:
    """Begin a step; it stays open until the next one."""
    event = DeploymentEvent(world.ids.uuid(), step, world.clock.now())
    deployment.events.append(event)
    world.publish("deployment-event", deployment.id, event)
    return event


def _next_event(world: World, deployment: Deployment, step: str) -> None:
    _close_events(world, deployment)
    open_event(world, deployment, step)


def _close_events(world: World, deployment: Deployment, *, error: str | None = None) -> None:
    for event in deployment.events:
        if event.completed_at is None:
            event.completed_at = world.clock.now()
            event.error = error
            world.publish("deployment-event", deployment.id, event)


def active_deployments(instance: ServiceInstance) -> list[Deployment]:
    """All that are deployed and running (or asleep, or crashed and not yet replaced)."""
    return [one for one in instance.deployments if one.status in ACTIVE]
