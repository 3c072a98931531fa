"""What Railway quotes of variables is neither kept, told, logged nor raised."""

from __future__ import annotations

import logging
from copy import deepcopy
from typing import Any

import pytest

from railway_saas.errors import NeedsAttentionError, ProvisioningError, RailwayError
from railway_saas.templates import Template

SECRET = "hunter2-and-more"
APP = "app-with-postgres-and-redis"
SAID = f"Invalid value {SECRET!r} for variable"


async def said_anywhere(stage: Any, caplog: pytest.LogCaptureFixture, *errors: object) -> str:
    """Everything that the database keeps apart from what the owner wished, and all that was told, logged, raised."""
    kept = {name: rows for name, rows in stage.snapshot().items() if name not in {"instances", "revisions"}}
    async with stage.database.unit_of_work() as work:
        observed = [one.observed for one in (await work.instances.list_page(limit=500)).items]
    said = [*(repr(vars(one) if hasattr(one, "__dict__") else one) for one in observed), *map(str, errors)]
    said += [caplog.text, *map(repr, stage.events), *map(repr, errors)]
    requests = [
        (one.request, one.result, one.error)
        for rows in kept.values()
        for one in rows.values()
        if hasattr(one, "request")
    ]
    return " ".join([repr(kept), repr(requests), *said])


@pytest.fixture(autouse=True)
def _everything_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)


@pytest.mark.parametrize("code", [None, "BAD_USER_INPUT"])
@pytest.mark.parametrize("known", [True, False], ids=["by Railway", "from single calls"])
async def test_a_refused_deploy_does_not_show_what_was_filled_in(
    new_stage: Any, caplog: pytest.LogCaptureFixture, known: bool, code: str | None
) -> None:
    stage = new_stage(APP, known=known)
    inputs = {"App.ADMIN_EMAIL": SECRET}
    for field in ("templateDeployV2", "serviceCreate"):
        stage.railway.faults.add("graphql_error", field, message=SAID, code=code, times=None)
    with pytest.raises((ProvisioningError, NeedsAttentionError)) as caught:
        await stage.running(inputs=inputs)
    said = await said_anywhere(stage, caplog, caught.value, caught.value.__context__)
    assert SECRET not in said
    assert "Invalid value" in said


async def test_a_refused_variable_is_not_shown(new_stage: Any, caplog: pytest.LogCaptureFixture) -> None:
    stage = new_stage(APP)
    manager = stage.manager()
    instance = await stage.running(manager)
    stage.railway.faults.add("graphql_error", "variableCollectionUpsert", message=SAID, times=None)
    await manager.set_variables(instance.id, {"App": {"TOKEN": SECRET}})
    try:
        await manager.wait(instance.id)
    except NeedsAttentionError as error:
        said = await said_anywhere(stage, caplog, error)
    else:
        said = await said_anywhere(stage, caplog)
    assert SECRET not in said
    assert "Invalid value" in said


async def test_a_generated_secret_is_not_shown(new_stage: Any, caplog: pytest.LogCaptureFixture) -> None:
    class Rigged:
        """Always the same."""

        def choice(self, _letters: str) -> str:
            return "z"

        def randint(self, low: int, _high: int) -> int:
            return low

    stage = new_stage(APP, manager={"random": Rigged()})
    message = f"cannot use {'z' * 32} here"
    stage.railway.faults.add("graphql_error", "serviceCreate", message=message, times=None)
    with pytest.raises((ProvisioningError, NeedsAttentionError)) as caught:
        await stage.running()
    said = await said_anywhere(stage, caplog, caught.value)
    assert "zzzz" not in said
    assert "cannot use" in said


async def test_a_preview_does_not_show_what_it_would_set(
    new_stage: Any, caplog: pytest.LogCaptureFixture
) -> None:
    stage = new_stage(APP)
    manager = stage.manager()
    instance = await stage.running(manager)
    raw: dict[str, Any] = deepcopy(stage.document.serialize())
    next(iter(raw["services"].values()))["variables"]["LICENCE"] = {"defaultValue": SECRET}
    await manager.publish_revision(instance.template_id, Template.parse(raw))
    stage.railway.faults.add("graphql_error", "environmentStageChanges", message=SAID, times=None)
    with pytest.raises(RailwayError, match="Invalid value") as caught:
        await manager.preview_upgrade(instance.id)
    assert SECRET not in await said_anywhere(stage, caplog, caught.value, caught.value.errors)
