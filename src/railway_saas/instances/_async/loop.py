"""The shell around `decide`: load, look, write ahead, send, record. Everything is committed before it is relied upon."""

from __future__ import annotations

import logging
import random as random_module
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Self
from uuid import uuid4

from railway_saas._core.operation import Lane
from railway_saas.domain.ids import new_id
from railway_saas.domain.instances import InstanceEvent
from railway_saas.domain.statuses import DesiredStatus, InstanceStatus, OperationState
from railway_saas.errors import (
    LeaseLostError,
    RailwayError,
    RailwayInputError,
    RailwayRateLimitError,
    RepositoryError,
)
from railway_saas.instances._async.looking import operation_for
from railway_saas.instances._async.reading import AsyncReader
from railway_saas.instances.deciding import decide
from railway_saas.instances.deciding.common import ask_operator, backoff_s
from railway_saas.instances.effects import confirm, merged, refuse, with_revision
from railway_saas.instances.failures import Judgement, judge
from railway_saas.instances.inputs import resources_of
from railway_saas.instances.masking import known_values, mask_error, sent_values
from railway_saas.instances.outcomes import Outcome, OutcomeKind, RunReport
from railway_saas.instances.steps import ENVIRONMENT, Change, EventDraft, Look, Record, Settled, Wait, Write
from railway_saas.instances.stocktaking import wanted
from railway_saas.instances.texts import storable, storable_json
from railway_saas.instances.throttles import CreationThrottles
from railway_saas.instances.writes import digest_of, goes_on, is_doubtful, result_of
from railway_saas.templates import Template

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from railway_saas._core.operation import Operation
    from railway_saas.domain.instances import Instance
    from railway_saas.domain.operations import ProviderOperation
    from railway_saas.instances._async.looking import AsyncLooker
    from railway_saas.instances.manager_settings import ManagerSettings
    from railway_saas.instances.situation import Situation
    from railway_saas.instances.steps import Intent, Sight, Verdict
    from railway_saas.instances.writes import Scribe
    from railway_saas.railway._async._client import AsyncRailwayClient
    from railway_saas.repositories._async.protocols import AsyncDatabase, AsyncUnitOfWork

log = logging.getLogger("railway_saas.instances")

MAX_STEPS: Final = 500
"""Steps of one turn: more than any build of a sensible template takes. A turn that is cut goes on with the next."""

MAX_LOOKS_PER_REQUEST: Final = 100
MAX_LOOKS_TOGETHER: Final = 3
"""How often instances are looked at together before those that want to see more go on alone."""
SHARED_CHECKS: Final = 15
"""Into so many moments the checks of an interval are gathered, so that they fill requests."""
_MAX_ERROR = 2000


class AsyncControlLoop:
    """Takes instances towards what is desired of them, one turn at a time.

    Args:
        client: For writes and for looks.
        database: Where everything is kept.
        looker: Looks at Railway.
        scribe: Writes calls down.
        settings: How patient to be.
        worker: A name that no other running worker has: it owns leases.
        now: The present moment, aware.
        tell: Called with every event once it is committed.
    """

    def __init__(
        self,
        client: AsyncRailwayClient,
        database: AsyncDatabase,
        *,
        looker: AsyncLooker,
        scribe: Scribe,
        settings: ManagerSettings,
        worker: str,
        now: Callable[[], datetime],
        tell: Callable[[InstanceEvent], None] | None,
    ) -> None:
        self._client = client
        self._database = database
        self._looker = looker
        self._scribe = scribe
        self._settings = settings
        self._worker = worker
        self._now = now
        self._tell = tell
        self._reader = AsyncReader(database, settings, namespace=looker.namespace)
        self._throttles = CreationThrottles()

    def for_one_run(self) -> Self:
        """The same loop with leases of its own: what runs at the same time in one process must not share them."""
        clone = object.__new__(type(self))
        clone.__dict__.update(self.__dict__)
        clone._worker = f"{self._worker}/{uuid4().hex[:8]}"
        return clone

    # One instance ------------------------------------------------------------------------------------------------

    async def reconcile(self, instance_id: UUID) -> Outcome:
        """Take one instance as far as it goes now.

        Raises:
            NotFoundError: There is no such instance.
        """
        async with self._database.unit_of_work() as work:
            await work.instances.get(instance_id)
            claimed = await self._claim(work, instance_id)
            await work.commit()
        if claimed is None:
            return Outcome(OutcomeKind.BUSY, reason="another worker has it")
        return await self._turn(claimed, {}, Lane.USER)

    async def _claim(self, work: AsyncUnitOfWork, instance_id: UUID) -> Instance | None:
        now = self._now()
        return await work.instances.claim(
            instance_id,
            worker=self._worker,
            now=now,
            lease_until=self._lease_until(),
            believed_until=self._settings.believed_until(now),
        )

    async def _turn(self, claimed: Instance, seen: Mapping[Sight, object], lane: Lane) -> Outcome:
        try:
            return await self._take_steps(claimed, seen, lane)
        except LeaseLostError:
            return Outcome(OutcomeKind.BUSY, reason="another worker has taken it over")
        except Exception:
            await self._leave_for_later(claimed)
            raise

    async def _leave_for_later(self, claimed: Instance) -> None:
        """What broke off neither waits for its lease to end nor comes again at once: it would most likely break again."""
        now = self._now()
        again_at = now + timedelta(seconds=backoff_s(claimed.observed, self._settings, now))
        try:
            async with self._database.unit_of_work() as work:
                await work.instances.release(claimed, worker=self._worker, next_check_at=again_at)
                await work.commit()
        except RepositoryError:  # what broke off is told already; it comes again when its lease is over
            log.warning("instance %s: it could not be given back", claimed.id, exc_info=True)

    async def _take_steps(self, claimed: Instance, seen: Mapping[Sight, object], lane: Lane) -> Outcome:
        situation = await self._situation(claimed, seen)
        for _ in range(MAX_STEPS):
            verdict = decide(situation)
            match verdict:
                case Look():
                    situation = await self._look(situation, verdict, lane)
                case Record():
                    await self._record(situation, verdict.change)
                    situation = await self._situation(claimed, situation.seen)
                case Write():
                    closed = self._throttles.closed_until(
                        (intent.kind for intent in verdict.intents), self._now()
                    )
                    if closed is not None:
                        wait = Wait(closed, "Railway lets a workspace create only so often")
                        return await self._end(claimed, situation, wait)
                    await self._write(situation, verdict)
                    situation = await self._situation(claimed, {})
                case Wait() | Settled():
                    return await self._end(claimed, situation, verdict)
        return await self._end(claimed, situation, Wait(self._now(), "there is more to do"))

    async def _situation(self, claimed: Instance, seen: Mapping[Sight, object]) -> Situation:
        """What was seen in this turn moves `seen_at`, also where it was seen together with others."""
        now = self._now()
        situation = with_sights(await self._reader.situation(claimed.id, {}, now), seen, now)
        return replace(situation, looked_before=claimed.observed.seen_at or claimed.observed.status_since)

    async def _end(self, claimed: Instance, s: Situation, verdict: Wait | Settled) -> Outcome:
        async with self._database.unit_of_work() as work:
            await self._release(work, claimed, s, verdict)
            await work.commit()
        return outcome_of(verdict)

    async def _release(
        self, work: AsyncUnitOfWork, claimed: Instance, s: Situation, verdict: Wait | Settled
    ) -> None:
        if s.observed.seen_at != claimed.observed.seen_at:
            await work.instances.save_observed(
                s.instance, worker=self._worker, lease_until=self._lease_until()
            )
        at = verdict.until if isinstance(verdict, Wait) else verdict.check_at
        latest = self._now() + timedelta(seconds=self._settings.longest_pause_s)
        soonest = None if at is None else min(at, latest)
        await work.instances.release(claimed, worker=self._worker, next_check_at=soonest)

    def _lease_until(self) -> datetime:
        return self._now() + timedelta(seconds=self._settings.lease_s)

    # Looking -----------------------------------------------------------------------------------------------------

    async def _look(self, s: Situation, look: Look, lane: Lane) -> Situation:
        found = await self._looker.look(s.instance, look.sights, lane=lane)
        return with_sights(s, found, self._now())

    # Recording ---------------------------------------------------------------------------------------------------

    async def _record(self, s: Situation, change: Change) -> None:
        """One transaction, and then the news of it."""
        events = self._events(s, change)
        async with self._database.unit_of_work() as work:
            if begins_deletion(s, change) and await self._is_called_off(work, s):
                return
            await self._save(work, change)
            stored = await work.events.append(events)
            await work.commit()
        self._tell_all(stored)

    async def _is_called_off(self, work: AsyncUnitOfWork, s: Situation) -> bool:
        """Whether somebody has called a scheduled deletion off since it was read, by a clock that is a little behind."""
        stored = await work.instances.lock(s.instance.id)
        return wanted(stored, self._now()) is not DesiredStatus.DELETED

    async def _save(self, work: AsyncUnitOfWork, change: Change) -> None:
        instance = change.instance
        if change.desired_changed:
            await self._save_desired(work, instance)
        await work.instances.save_observed(instance, worker=self._worker, lease_until=self._lease_until())
        if change.services is not None:
            await work.services.replace(instance.id, change.services)
        for domain in change.domains:
            await work.domains.save(domain)
        for domain in change.domains_gone:
            await work.domains.delete(domain.id)
        for operation in change.operations:
            await work.operations.save(operation)
        for operation in change.new_operations:
            if await work.operations.find(operation.instance_id, operation.key) is None:
                await work.operations.add(operation)
        if change.deployments:
            await work.deployments.upsert(change.deployments)
        for over in change.deployments_over:
            await work.deployments.finish(instance.id, at=over.at, services=over.services, but=over.but)

    async def _save_desired(self, work: AsyncUnitOfWork, instance: Instance) -> None:
        """Only the revision with its inputs, and what it holds of the plan, is the loop's to change; else verbs count."""
        stored = await work.instances.lock(instance.id)
        wanted = instance.desired
        desired = replace(
            with_revision(stored.desired, wanted.revision_id, wanted.config.inputs),
            generation=stored.desired.generation + 1,
        )
        revision = await work.templates.get_revision(desired.revision_id)
        resources = resources_of(Template.parse(revision.document), desired.config.limits)
        await work.instances.save_desired(replace(stored, desired=desired, resources=resources))

    def _events(self, s: Situation, change: Change) -> list[InstanceEvent]:
        now = self._now()
        return [
            InstanceEvent(
                id=new_id(now),
                instance_id=change.instance.id,
                at=now,
                step=draft.step,
                message=draft.message,
                status=change.instance.status,
                service=draft.service,
                done=s.running,
                total=len(s.template.services),
            )
            for draft in change.events
        ]

    def _tell_all(self, events: Sequence[InstanceEvent]) -> None:
        for event in events:
            log.info("instance %s: %s: %s", event.instance_id, event.step, event.message)
            if self._tell is not None:
                self._tell(event)

    # Writing -----------------------------------------------------------------------------------------------------

    async def _write(self, s: Situation, write: Write) -> None:
        """Commit the intents as sent, send them as one request, commit what came of it."""
        if write.change is not None:
            s = replace(s, instance=write.change.instance)
        calls: dict[Intent, Sequence[Operation[Any]]] = {}
        for intent in write.intents:
            try:
                calls[intent] = self._scribe.calls_of(s, intent)
            except RailwayInputError as error:  # nothing was sent: the document asks for what cannot be asked
                await self._record_refused(s, intent, str(error))
                return
        sent = await self._write_ahead(s, calls)
        answers = await self._send(sent, calls)
        mask_answers(s, calls, answers)
        await self._record(s, self._change_after(s, write, sent, answers))

    async def _record_refused(self, s: Situation, intent: Intent, reason: str) -> None:
        operation = s.operations.get(intent.key)
        if operation is None:
            operation = s.new_operation(intent)
            await self._record(s, Change(instance=s.instance, new_operations=(operation,)))
        await self._record(s, refuse(s, operation, reason))

    async def _write_ahead(
        self, s: Situation, calls: Mapping[Intent, Sequence[Operation[Any]]]
    ) -> dict[Intent, ProviderOperation]:
        """From here on nobody may take it for granted that nothing was sent."""
        now = self._now()
        sent: dict[Intent, ProviderOperation] = {}
        async with self._database.unit_of_work() as work:
            await work.instances.save_observed(
                s.instance, worker=self._worker, lease_until=self._lease_until()
            )
            for intent, operations in calls.items():
                known = s.operations.get(intent.key)
                row = replace(
                    known or s.new_operation(intent),
                    state=OperationState.SENT,
                    request={**intent.request, "subject": intent.subject},
                    request_digest=digest_of(operations),
                    result={},
                    attempts=(known.attempts if known else 0) + 1,
                    error=None,
                    sent_at=now,
                    not_before=None,
                )
                await (work.operations.save(row) if known else work.operations.add(row))
                sent[intent] = row
            await work.commit()
        return sent

    async def _send(
        self,
        sent: Mapping[Intent, ProviderOperation],
        calls: Mapping[Intent, Sequence[Operation[Any]]],
    ) -> dict[Intent, list[Any]]:
        """One request for all of them; the answers, or errors, of each."""
        self._refuse_when_late(sent)
        flat = [operation for operations in calls.values() for operation in operations]
        outcomes = iter(await self._send_all(flat))
        return {intent: [next(outcomes) for _ in operations] for intent, operations in calls.items()}

    def _refuse_when_late(self, sent: Mapping[Intent, ProviderOperation]) -> None:
        """A process that was frozen since it committed must not send: another one may be looking by now.

        Raises:
            LeaseLostError: The call might outlast the lease. Nothing was sent.
        """
        spare = self._settings.lease_s - self._settings.call_timeout_s
        late = (self._now() - next(row.sent_at for row in sent.values() if row.sent_at)).total_seconds()
        if late > spare:
            raise LeaseLostError(f"{late:.0f} s passed between commit and call; the write is left for a look")

    async def _send_all(self, operations: Sequence[Operation[Any]]) -> list[Any]:
        if not operations:
            return []
        try:
            if len(operations) == 1:
                return [await self._client.run(operations[0])]
            return await self._client.batch(operations, return_errors=True)
        except RailwayError as error:
            return [error] * len(operations)

    def _change_after(
        self,
        s: Situation,
        write: Write,
        sent: Mapping[Intent, ProviderOperation],
        answers: Mapping[Intent, Sequence[Any]],
    ) -> Change:
        """Everything that the answers mean, one intent after the other."""
        whole = Change(instance=s.instance)
        worked = False
        for intent, row in sent.items():
            here = replace(s, instance=whole.instance, now=self._now())
            error = worst_error(answers[intent])
            if error is not None:
                whole = merged(whole, self._change_after_failure(here, row, error))
                continue
            self._throttles.passed(intent.kind, here.now)
            if is_doubtful(here, intent, answers[intent]):
                whole = merged(whole, doubted(here, row))
                continue
            worked = True
            result = result_of(intent, answers[intent])
            if goes_on(intent, result):
                going_on = replace(row, result=storable_json(dict(result)))
                whole = merged(whole, Change(instance=here.instance, operations=(going_on,)))
            else:
                whole = merged(whole, confirm(here, row, result))
        if worked:
            whole = replace(whole, events=(EventDraft(write.step, write.message), *whole.events))
        return whole

    def _change_after_failure(self, s: Situation, row: ProviderOperation, error: RailwayError) -> Change:
        reason = storable(str(error)[:_MAX_ERROR])
        row = replace(row, error=reason, trace_id=storable(error.trace_id or "") or None)
        ruling = judge(
            error,
            row,
            self._settings,
            jitter=random_module.random(),  # noqa: S311 - jitter, not a secret
            age_s=s.seconds_since(row.created_at),
        )
        match ruling.judgement:
            case Judgement.DOUBT:
                unclear = {"refused": True} if error.errors and row.kind == "template_deploy" else {}
                doubted = replace(row, result={**row.result, **unclear})
                told = EventDraft("waiting", f"looking whether {row.kind} landed: {reason}")
                return Change(instance=s.instance, operations=(doubted,), events=(told,))
            case Judgement.LATER:
                if isinstance(error, RailwayRateLimitError) and error.errors:
                    self._throttles.refused(row.kind, s.now, ruling.pause_s)
                attempts = row.attempts if ruling.counts else row.attempts - 1
                until = s.after(ruling.pause_s)
                again = replace(row, state=OperationState.INTENDED, attempts=attempts, not_before=until)
                told = EventDraft("waiting", f"trying {row.kind} again in {ruling.pause_s:.0f} s: {reason}")
                return Change(instance=s.instance, operations=(again,), events=(told,))
            case Judgement.REFUSED:
                return refuse(s, row, reason)
            case Judgement.ASK:
                step = ask_operator(s, f"{row.kind} failed: {reason}")
                parked = replace(row, state=OperationState.NEEDS_ATTENTION, finished_at=s.now)
                return replace(step.change, operations=(parked,))

    # Many instances ----------------------------------------------------------------------------------------------

    async def run_due(self, limit: int) -> RunReport:
        """Take every due instance, up to a limit, as far as it goes now; looks are merged into few requests."""
        async with self._database.unit_of_work() as work:
            now = self._now()
            claimed = await work.instances.claim_due(
                worker=self._worker,
                now=now,
                lease_until=self._lease_until(),
                limit=limit,
                believed_until=self._settings.believed_until(now),
            )
            await work.commit()
        kinds: Counter[OutcomeKind] = Counter()
        failures: dict[UUID, str] = {}
        for start in range(0, len(claimed), MAX_LOOKS_PER_REQUEST):
            part = claimed[start : start + MAX_LOOKS_PER_REQUEST]
            await self._run_part(part, kinds, failures)
        next_due_at = await self.next_due_at()
        return RunReport(
            claimed=len(claimed),
            settled=kinds[OutcomeKind.SETTLED],
            waiting=kinds[OutcomeKind.WAITING],
            busy=kinds[OutcomeKind.BUSY],
            failures=failures,
            next_due_at=next_due_at,
        )

    async def next_due_at(self) -> datetime | None:
        """When `run_due` finds something next; now, where it is put off for longer than anybody would."""
        async with self._database.unit_of_work() as work:
            due = await work.instances.next_due_at()
        now = self._now()
        return now if due is not None and due > self._settings.believed_until(now) else due

    async def _run_part(
        self, claimed: Sequence[Instance], kinds: Counter[OutcomeKind], failures: dict[UUID, str]
    ) -> None:
        by_id = {instance.id: instance for instance in claimed}
        resting: list[tuple[Situation, Settled]] = []
        seen: dict[UUID, Mapping[Sight, object]] = {}
        for situation, verdict in await self._look_together(await self._read_together(claimed)):
            if isinstance(verdict, Settled):  # how long to wait depends on writes that were not read
                resting.append((situation, verdict))
            else:
                seen[situation.instance.id] = situation.seen
        await self._end_together(by_id, resting, kinds)
        at_rest = {situation.instance.id for situation, _ in resting}
        for instance_id in by_id:  # those whose turn broke off among them: now it is told why
            if instance_id not in at_rest:
                await self._turn_alone(instance_id, seen.get(instance_id, {}), kinds, failures)

    async def _read_together(self, claimed: Sequence[Instance]) -> Sequence[Situation]:
        """Without those that cannot be read, which may be all of them: a turn of its own tells why."""
        try:
            return await self._reader.situations(claimed, self._now())
        except RepositoryError:
            raise
        except Exception:  # noqa: BLE001 - a row of one of them: each by itself, so that only that one fails
            return ()

    async def _look_together(self, situations: Sequence[Situation]) -> list[tuple[Situation, Verdict | None]]:
        """One request for what all of them want to see first, one for what some of them want to see then.

        No verdict: deciding broke off, and a turn of its own tells why.
        """
        decided = [(situation, decided_unless_broken(situation)) for situation in situations]
        for _ in range(MAX_LOOKS_TOGETHER):
            found = await self._look_once(decided)
            now = self._now()
            for index, sights in found.items():
                situation = with_sights(decided[index][0], sights, now)
                decided[index] = (situation, decided_unless_broken(situation))
            if not found:
                break
        return decided

    async def _look_once(
        self, decided: Sequence[tuple[Situation, Verdict | None]]
    ) -> dict[int, dict[Sight, object]]:
        """What those that want to look saw, by their place."""
        wanted = [
            (index, sight, operation)
            for index, (situation, verdict) in enumerate(decided)
            if isinstance(verdict, Look)
            for sight, operation in reads_of(situation.instance, verdict)
        ]
        outcomes = await self._looker.run_all([operation for _, _, operation in wanted])
        found: dict[int, dict[Sight, object]] = {}
        for (index, sight, _), outcome in zip(wanted, outcomes, strict=True):
            found.setdefault(index, {})[sight] = outcome
        return found

    async def _end_together(
        self,
        claimed: Mapping[UUID, Instance],
        resting: Sequence[tuple[Situation, Settled]],
        kinds: Counter[OutcomeKind],
    ) -> None:
        async with self._database.unit_of_work() as work:
            for situation, verdict in resting:
                ending = gathered(verdict, situation.now, self._settings.check_interval_s)
                try:
                    await self._release(work, claimed[situation.instance.id], situation, ending)
                except LeaseLostError:
                    kinds[OutcomeKind.BUSY] += 1
                else:
                    kinds[outcome_of(verdict).kind] += 1
            await work.commit()

    async def _turn_alone(
        self,
        instance_id: UUID,
        seen: Mapping[Sight, object],
        kinds: Counter[OutcomeKind],
        failures: dict[UUID, str],
    ) -> None:
        """A broken instance must not keep the others from their turn."""
        try:
            async with self._database.unit_of_work() as work:
                claimed = await self._claim(work, instance_id)
                await work.commit()
            if claimed is None:
                kinds[OutcomeKind.BUSY] += 1
                return
            outcome = await self._turn(claimed, seen, Lane.USER)
        except Exception as error:  # a fault of ours as well: it is told, and the others go on
            log.exception("instance %s: its turn broke off", instance_id)
            failures[instance_id] = str(error) or type(error).__name__
        else:
            kinds[outcome.kind] += 1


def decided_unless_broken(s: Situation) -> Verdict | None:
    """None: deciding broke off. Whoever decides for many goes on with the others."""
    try:
        return decide(s)
    except Exception:  # noqa: BLE001 - a fault of ours as well
        return None


def reads_of(instance: Instance, look: Look) -> list[tuple[Sight, Operation[Any]]]:
    """What shows these sights, without those that take more than a read; nothing where one cannot be asked for."""
    try:
        reads = [(sight, operation_for(instance, sight, lane=Lane.BACKGROUND)) for sight in look.sights]
    except RailwayInputError:
        return []
    return [(sight, read) for sight, read in reads if read is not None]


def with_sights(s: Situation, found: Mapping[Sight, object], now: datetime) -> Situation:
    """The situation with more seen; a look at the environment that was answered moves `seen_at`."""
    if not found:
        return s
    answered = ENVIRONMENT in found and not isinstance(found[ENVIRONMENT], RailwayError)
    instance = s.instance
    if answered:
        instance = replace(instance, observed=replace(instance.observed, seen_at=now))
    return replace(s, instance=instance, seen={**s.seen, **found}, now=now)


def gathered(verdict: Settled, now: datetime, interval_s: float) -> Settled:
    """A rest of a whole interval, cut to the next moment that others share; anything shorter has its reason.

    Instances that were deployed one by one would else be looked at one by one for ever.
    """
    if verdict.check_at is None:
        return verdict
    if (verdict.check_at - now).total_seconds() < interval_s:
        return verdict
    step_s = interval_s / SHARED_CHECKS
    return Settled(verdict.check_at - timedelta(seconds=verdict.check_at.timestamp() % step_s))


def begins_deletion(s: Situation, change: Change) -> bool:
    """Whether a wish is what it is deleted for; what is undone is deleted for its failure."""
    is_deleting = change.instance.status is InstanceStatus.DELETING
    return (
        is_deleting
        and s.observed.status is not InstanceStatus.DELETING
        and not change.instance.observed.undoing
    )


def doubted(s: Situation, row: ProviderOperation) -> Change:
    """It stays sent, and is looked for."""
    told = EventDraft("waiting", f"looking whether {row.kind} landed: Railway answered about something else")
    return Change(instance=s.instance, operations=(row,), events=(told,))


def mask_answers(
    s: Situation,
    calls: Mapping[Intent, Sequence[Operation[Any]]],
    answers: Mapping[Intent, Sequence[Any]],
) -> None:
    """Take out of errors what they quote of what was sent: they are kept, told and logged."""
    errors = [one for found in answers.values() for one in found if isinstance(one, RailwayError)]
    if errors:
        values = known_values(s) | sent_values([one for operations in calls.values() for one in operations])
        for error in errors:
            mask_error(error, values)


def worst_error(answers: Sequence[Any]) -> RailwayError | None:
    """The error that decides: a refusal says more than a neighbour's lost answer."""
    errors = [answer for answer in answers if isinstance(answer, RailwayError)]
    certain = [error for error in errors if not error.maybe_applied]
    return next(iter((*certain, *errors)), None)


def outcome_of(verdict: Verdict) -> Outcome:
    """How a turn that ends with this verdict is told."""
    if isinstance(verdict, Wait):
        return Outcome(OutcomeKind.WAITING, verdict.until, verdict.reason)
    return Outcome(OutcomeKind.SETTLED, verdict.check_at if isinstance(verdict, Settled) else None)
