"""An operator's second chance for a run that failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reference_server.jobs.port import RETRY_JOB, JobState

if TYPE_CHECKING:
    from reference_server.composition import Platform
    from reference_server.jobs.port import JobRun


class NoSuchRunError(Exception):
    """There is no run of that id."""


class NotFailedError(Exception):
    """The run waits, runs or is done."""


def retry_run(platform: Platform, run_id: str, *, actor: str) -> JobRun:
    """Have a worker queue a run anew that failed; the audit log says who wanted it.

    Asking twice does no harm: by the second time the run has not failed any more, or the wish still waits.

    Raises:
        NoSuchRunError: There is none of that id.
        NotFailedError: It has not failed.
    """
    run = platform.jobs.find(run_id)
    if run is None:
        raise NoSuchRunError(f"there is no run {run_id[:100]}")
    if run.state is not JobState.FAILED:
        raise NotFailedError(f"the run is {run.state}: only one that failed can be tried again")
    with platform.database.unit_of_work() as work:
        work.audit.note(
            platform.now(),
            "job.retry",
            ("job", run.id),
            actor=actor,
            job=run.job,
            subject=run.subject,
            error=run.outcome,
        )
        platform.jobs.enqueue(work.session, RETRY_JOB, run.id)
        work.commit()
    return run
