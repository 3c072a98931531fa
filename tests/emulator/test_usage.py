"""Usage, charts, bills and limits."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from railway_saas.emulator import Emulator, lifecycle, structure
from railway_saas.emulator.usage import Span, measure
from railway_saas.emulator.world.projects import ServiceSettings

from .conftest import House

if TYPE_CHECKING:
    from railway_saas.emulator.world.projects import Project

ALL = ["CPU_USAGE", "MEMORY_USAGE_GB", "NETWORK_TX_GB", "DISK_USAGE_GB", "BACKUP_USAGE_GB"]
USAGE = """query($p: String, $w: String, $m: [MetricMeasurement!]!, $g: [MetricTag!], $s: DateTime, $e: DateTime, $d: Boolean) {
  usage(projectId: $p, workspaceId: $w, measurements: $m, groupBy: $g, startDate: $s, endDate: $e, includeDeleted: $d) {
    measurement value tags { projectId serviceId environmentId } } }"""
PAGE = """query($w: String!, $m: [MetricMeasurement!]!, $s: DateTime!, $e: DateTime!, $f: Int, $a: String) {
  projectServiceUsage(workspaceId: $w, measurements: $m, startDate: $s, endDate: $e, first: $f, after: $a) {
    usage { measurement value tags { projectId serviceId } } pageInfo { hasNextPage endCursor } } }"""
CUSTOMER = """query($w: String!) { workspace(workspaceId: $w) { customer { id state currentUsage appliedCredits
  remainingUsageCreditBalance billingPeriod { start end } usageLimit { softLimit hardLimit isOverLimit agentHardLimitCents }
  invoices { invoiceId status total periodStart periodEnd } subscriptions { id nextInvoiceDate } } } }"""
SET = "mutation($i: UsageLimitSetInput!) { usageLimitSet(input: $i) }"
HOUR, DAY = 3600, 86_400


class Meter:
    """One running service, and what it used."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.emulator = house.emulator
        self.service, self.environment, self.deployment = house.running()
        self.project = self.emulator.world.environments[self.environment].project.id

    def usage(self, *measurements: str, **options: Any) -> dict[str, float]:
        """The project's usage, by measurement."""
        rows = self.house.run(USAGE, p=self.project, m=list(measurements or ALL), **options)["usage"]
        return {one["measurement"]: one["value"] for one in rows}

    def customer(self) -> dict[str, Any]:
        """Who pays."""
        return self.house.run(CUSTOMER, w=self.emulator.workspace_id)["workspace"]["customer"]

    def limit(self, soft: int, hard: int | None = None) -> None:
        """Set a usage limit."""
        amounts = {"softLimitDollars": soft, "hardLimitDollars": hard}
        self.house.run(SET, i={"customerId": self.customer()["id"], **amounts})


@pytest.fixture
def meter(house: House) -> Meter:
    return Meter(house)


def test_usage_accrues_by_running_time(meter: Meter) -> None:
    first = meter.usage("CPU_USAGE")["CPU_USAGE"]
    meter.emulator.clock.advance(HOUR)
    second = meter.usage("CPU_USAGE")["CPU_USAGE"]
    meter.emulator.clock.advance(HOUR)
    third = meter.usage("CPU_USAGE")["CPU_USAGE"]
    assert second > first
    assert third - second == pytest.approx(second - first)


def test_a_removed_deployment_uses_nothing_more(meter: Meter) -> None:
    meter.house.run("mutation($id: String!) { deploymentRemove(id: $id) }", id=meter.deployment)
    meter.emulator.clock.advance(60)
    before = meter.usage()
    meter.emulator.clock.advance(DAY)
    assert meter.usage() == before


def test_windows_side_by_side_add_up(meter: Meter) -> None:
    meter.house.run(
        "mutation($i: VolumeCreateInput!) { volumeCreate(input: $i) { id } }",
        i={"projectId": meter.project, "serviceId": meter.service, "mountPath": "/data"},
    )
    begin = meter.emulator.clock.now()
    middle, end = begin + timedelta(hours=5), begin + timedelta(hours=24)
    meter.emulator.clock.advance_to(end)
    whole = meter.usage(s=begin.isoformat(), e=end.isoformat())
    parts = [
        meter.usage(s=begin.isoformat(), e=middle.isoformat()),
        meter.usage(s=middle.isoformat(), e=end.isoformat()),
    ]
    assert "DISK_USAGE_GB" in whole
    for measurement, value in whole.items():
        assert value == pytest.approx(sum(one[measurement] for one in parts)), measurement


def test_only_tags_that_were_asked_for_are_filled(meter: Meter) -> None:
    meter.emulator.clock.advance(HOUR)
    (plain,) = meter.house.run(USAGE, p=meter.project, m=["CPU_USAGE"])["usage"]
    assert set(plain["tags"].values()) == {None}
    (tagged,) = meter.house.run(USAGE, p=meter.project, m=["CPU_USAGE"], g=["SERVICE_ID"])["usage"]
    assert tagged["tags"] == {"projectId": None, "serviceId": meter.service, "environmentId": None}
    assert tagged["value"] == plain["value"]


def test_what_a_deleted_service_used_stays_on_the_bill(meter: Meter) -> None:
    meter.emulator.clock.advance(HOUR)
    before = meter.usage("CPU_USAGE")["CPU_USAGE"]
    meter.house.run("mutation($id: String!) { serviceDelete(id: $id) }", id=meter.service)
    meter.emulator.clock.advance(HOUR)
    assert meter.usage("CPU_USAGE")["CPU_USAGE"] == pytest.approx(before)


def test_a_deleted_project_shows_only_when_asked_for(meter: Meter) -> None:
    meter.emulator.clock.advance(HOUR)
    meter.house.run("mutation($id: String!) { projectDelete(id: $id) }", id=meter.project)
    where = {"w": meter.emulator.workspace_id, "m": ["CPU_USAGE"]}
    assert meter.house.run(USAGE, **where)["usage"] == []
    assert meter.house.run(USAGE, **where, d=True)["usage"][0]["value"] > 0


def test_the_estimate_extrapolates_to_the_end_of_the_period(meter: Meter) -> None:
    meter.emulator.clock.advance(10 * DAY)
    estimate = meter.house.run(
        "query($p: String, $m: [MetricMeasurement!]!) { estimatedUsage(projectId: $p, measurements: $m) { measurement estimatedValue projectId } }",
        p=meter.project,
        m=["CPU_USAGE"],
    )["estimatedUsage"]
    assert [one["projectId"] for one in estimate] == [meter.project]
    assert 2 < estimate[0]["estimatedValue"] / meter.usage("CPU_USAGE")["CPU_USAGE"] < 4


def test_current_usage_follows_the_price_formula(meter: Meter) -> None:
    meter.emulator.clock.advance(5 * DAY)
    used = meter.usage()
    month = 43_200
    price = (
        used["MEMORY_USAGE_GB"] * 10 / month + used["CPU_USAGE"] * 20 / month + used["NETWORK_TX_GB"] * 0.05
    )
    assert meter.customer()["currentUsage"] == pytest.approx(price)


def test_a_closed_period_becomes_an_invoice(meter: Meter) -> None:
    assert meter.customer()["invoices"] == []
    meter.emulator.clock.advance(40 * DAY)
    customer = meter.customer()
    (invoice,) = customer["invoices"]
    assert invoice["status"] == "paid"
    assert invoice["total"] >= 2000
    assert invoice["periodEnd"] == customer["billingPeriod"]["start"]
    assert customer["subscriptions"][0]["nextInvoiceDate"] == customer["billingPeriod"]["end"]


@pytest.mark.parametrize(("soft", "hard"), [(4, None), (5, 9), (20, 15), (600_000, None), (5, 500_001)])
def test_limits_have_railways_bounds(meter: Meter, soft: int, hard: int | None) -> None:
    i = {"customerId": meter.customer()["id"], "softLimitDollars": soft, "hardLimitDollars": hard}
    assert "Invalid input" in meter.house.refused(SET, i=i)


def test_a_hard_limit_takes_workloads_down_and_raising_it_brings_them_back(meter: Meter) -> None:
    structure.update_settings(
        meter.emulator.world,
        meter.emulator.world.environments[meter.environment].instances[meter.service],
        ServiceSettings(image="nginx", num_replicas=40),
    )
    busy = meter.house.deploy(meter.service, meter.environment)
    meter.limit(5, 10)
    meter.emulator.clock.advance(20)
    assert meter.house.status(busy) == "SUCCESS"
    meter.emulator.clock.advance(20 * DAY)
    assert meter.house.status(busy) == "REMOVED"
    limit = meter.customer()["usageLimit"]
    assert (limit["hardLimit"], limit["isOverLimit"]) == (10, True)
    assert meter.customer()["currentUsage"] < 10.5
    meter.limit(5, 500)
    assert not meter.customer()["usageLimit"]["isOverLimit"]
    meter.emulator.clock.advance(30)
    latest = meter.emulator.world.environments[meter.environment].instances[meter.service].latest_deployment
    assert latest is not None
    assert (latest.id != busy, latest.status) == (True, "SUCCESS")


def test_a_limit_is_removed(meter: Meter) -> None:
    meter.limit(5, 10)
    remove = "mutation($i: UsageLimitRemoveInput!) { usageLimitRemove(input: $i) }"
    meter.house.run(remove, i={"customerId": meter.customer()["id"]})
    assert meter.customer()["usageLimit"] is None


def test_an_agent_limit_is_in_cents(meter: Meter) -> None:
    meter.house.run(
        "mutation($i: AgentUsageLimitSetInput!) { agentUsageLimitSet(input: $i) }",
        i={"workspaceId": meter.emulator.workspace_id, "hardLimitCents": 1500},
    )
    assert meter.customer()["usageLimit"]["agentHardLimitCents"] == 1500


# Many projects ------------------------------------------------------------------------------------------------------


def populate(emulator: Emulator, count: int) -> list[Project]:
    """Projects with one running service each, made without a request per project."""
    world, workspace = emulator.world, emulator.world.workspaces[emulator.workspace_id]
    projects = []
    for number in range(count):
        project = structure.create_project(world, workspace, name=f"p{number}")
        service = structure.create_service(
            world, project, name="web", settings=ServiceSettings(image="nginx")
        )
        for environment in project.environments.values():
            lifecycle.deploy_service_instance(world, environment.instances[service.id])
        projects.append(project)
    emulator.clock.advance(30)
    return projects


def test_pages_hold_fifty_projects_and_miss_none() -> None:
    emulator = Emulator()
    house, projects = House(emulator), populate(emulator, 120)
    emulator.clock.advance(HOUR)
    begin = emulator.clock.now() - timedelta(hours=1)
    where = {
        "w": emulator.workspace_id,
        "m": ["CPU_USAGE"],
        "s": begin.isoformat(),
        "e": emulator.clock.now().isoformat(),
    }
    seen, cursor, sizes = [], None, []
    while True:
        page = house.run(PAGE, **where, f=500, a=cursor)["projectServiceUsage"]
        sizes.append(len(page["usage"]))
        seen += [one["tags"]["projectId"] for one in page["usage"]]
        cursor = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert sizes == [50, 50, 20]
    assert seen == [one.id for one in projects]


def test_paging_goes_on_when_projects_disappear_between_pages() -> None:
    emulator = Emulator()
    house, projects = House(emulator), populate(emulator, 60)
    emulator.clock.advance(HOUR)
    begin = emulator.clock.now() - timedelta(hours=1)
    where = {
        "w": emulator.workspace_id,
        "m": ["CPU_USAGE"],
        "s": begin.isoformat(),
        "e": emulator.clock.now().isoformat(),
    }
    first = house.run(PAGE, **where, f=10)["projectServiceUsage"]
    for project in projects[:10]:
        structure.delete_project(emulator.world, project)
    second = house.run(PAGE, **where, f=10, a=first["pageInfo"]["endCursor"])["projectServiceUsage"]
    assert [one["tags"]["projectId"] for one in second["usage"]] == [one.id for one in projects[10:20]]


def test_measuring_a_thousand_projects_is_quick() -> None:
    emulator = Emulator()
    projects = populate(emulator, 1_000)
    emulator.clock.advance(HOUR)
    span = Span(emulator.clock.now() - timedelta(hours=1), emulator.clock.now())
    begun = time.process_time()
    amounts = measure(projects, span, ALL, ["project_id", "service_id"])
    assert len(amounts) == 3_000
    assert time.process_time() - begun < 1


# Charts -------------------------------------------------------------------------------------------------------------

METRICS = """query($p: String, $s: String, $e: String, $m: [MetricMeasurement!]!, $g: [MetricTag!], $b: DateTime!, $r: Int) {
  metrics(projectId: $p, serviceId: $s, environmentId: $e, measurements: $m, groupBy: $g, startDate: $b, sampleRateSeconds: $r) {
    measurement tags { serviceId deploymentId } values { ts value } } }"""


def test_a_chart_has_a_sample_per_step_while_the_service_runs(meter: Meter) -> None:
    begin = meter.emulator.clock.now()
    meter.emulator.clock.advance(HOUR)
    (chart,) = meter.house.run(
        METRICS, p=meter.project, m=["CPU_USAGE"], g=["SERVICE_ID"], b=begin.isoformat(), r=60
    )["metrics"]
    assert chart["tags"] == {"serviceId": meter.service, "deploymentId": None}
    assert len(chart["values"]) in {60, 61}
    assert {b["ts"] - a["ts"] for a, b in zip(chart["values"], chart["values"][1:], strict=False)} == {60}
    mean = sum(one["value"] for one in chart["values"]) / len(chart["values"])
    hour = meter.usage("CPU_USAGE", s=begin.isoformat())["CPU_USAGE"]
    assert mean * 60 == pytest.approx(hour, rel=0.05)


def test_the_sample_rate_follows_the_window(meter: Meter) -> None:
    meter.emulator.clock.advance(10 * DAY)
    begin = meter.emulator.clock.now() - timedelta(days=6)
    (chart,) = meter.house.run(METRICS, s=meter.service, m=["MEMORY_USAGE_GB"], b=begin.isoformat())[
        "metrics"
    ]
    assert chart["values"][1]["ts"] - chart["values"][0]["ts"] == 3600


def test_requests_are_counted_by_status_and_timed(meter: Meter) -> None:
    meter.house.run(
        "mutation($i: ServiceDomainCreateInput!) { serviceDomainCreate(input: $i) { id } }",
        i={"serviceId": meter.service, "environmentId": meter.environment},
    )
    begin = meter.emulator.clock.now()
    meter.emulator.clock.advance(HOUR)
    where = {
        "e": meter.environment,
        "s": meter.service,
        "b": begin.isoformat(),
        "u": meter.emulator.clock.now().isoformat(),
    }
    counted = meter.house.run(
        """query($e: String!, $s: String!, $b: DateTime!, $u: DateTime!) { httpMetricsGroupedByStatus(environmentId: $e,
          serviceId: $s, startDate: $b, endDate: $u, stepSeconds: 600) { statusCode samples { ts value } } }""",
        **where,
    )["httpMetricsGroupedByStatus"]
    assert 200 in {one["statusCode"] for one in counted}
    assert sum(sample["value"] for one in counted for sample in one["samples"]) > 100
    timed = meter.house.run(
        """query($e: String!, $s: String!, $b: DateTime!, $u: DateTime!) { httpDurationMetrics(environmentId: $e,
          serviceId: $s, startDate: $b, endDate: $u, stepSeconds: 600) { samples { ts p50 p90 p95 p99 } } }""",
        **where,
    )["httpDurationMetrics"]["samples"]
    assert timed
    assert all(one["p50"] <= one["p90"] <= one["p95"] <= one["p99"] for one in timed)


def test_a_billing_period_is_a_month_from_the_day_the_workspace_began() -> None:
    meter = Meter(House(Emulator(start=datetime.fromisoformat("2026-01-31T10:00:00+00:00"))))
    periods = []
    for _ in range(3):
        periods.append(meter.customer()["billingPeriod"])
        meter.emulator.clock.advance(30 * DAY)
    assert [one["start"][:10] for one in periods] == ["2026-01-31", "2026-02-28", "2026-03-31"]
    assert periods[0]["end"] == periods[1]["start"]
