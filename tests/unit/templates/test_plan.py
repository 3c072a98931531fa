"""What deploying a template will do, and what to look at first."""

from __future__ import annotations

import json
import pickle
from decimal import Decimal, localcontext
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from railway_saas.domain.prices import RAILWAY_PRICES
from railway_saas.errors import ConfigurationError, TemplateError
from railway_saas.templates import CostAssumptions, Plan, ServiceUse, Template, WarningCode
from railway_saas.templates.plan import MAX_SERVICES

HOUR_BY_HOUR = "0 * * * *"


def service(name: str, variables: dict[str, str] | None = None, /, **fields: Any) -> dict[str, Any]:
    return {
        "name": name,
        "source": {"image": "ghcr.io/acme/thing:1"},
        "variables": {key: {"defaultValue": text} for key, text in (variables or {}).items()},
    } | fields


def template(*services: dict[str, Any], **top: Any) -> Template:
    return Template.parse({"services": {f"k{n}": item for n, item in enumerate(services)}} | top)


def plan(*services: dict[str, Any], **top: Any) -> Plan:
    return template(*services, **top).plan()


def warned(*services: dict[str, Any], **top: Any) -> list[tuple[str, str]]:
    return [(str(warning.code), warning.path) for warning in plan(*services, **top).warnings]


DOMAIN = {"serviceDomains": {"<hasDomain>:80": {}}}


def test_services_start_after_those_they_reference() -> None:
    planned = plan(
        service("app", {"DB": "${{db.RAILWAY_PRIVATE_DOMAIN}}", "Q": "${{queue.RAILWAY_PRIVATE_DOMAIN}}"}),
        service("queue", {"C": "${{cache.RAILWAY_PRIVATE_DOMAIN}}"}),
        service("cache"),
        service("db"),
        service("lonely", {"ME": "${{lonely.RAILWAY_PRIVATE_DOMAIN}}", "S": "${{shared.X}}"}),
    )
    assert planned.start_order == (("cache", "db", "lonely"), ("queue",), ("app",))
    assert {item.name: item.needs for item in planned.services} == {
        "app": ("cache", "db", "queue"),
        "queue": ("cache",),
        "cache": (),
        "db": (),
        "lonely": (),
    }
    assert planned.services[0].references == (
        "db.RAILWAY_PRIVATE_DOMAIN",
        "queue.RAILWAY_PRIVATE_DOMAIN",
    )


def test_services_on_a_cycle_start_together_and_are_named() -> None:
    planned = plan(
        service("a", {"B": "${{b.RAILWAY_PRIVATE_DOMAIN}}"}),
        service("b", {"C": "${{c.RAILWAY_PRIVATE_DOMAIN}}", "DB": "${{db.RAILWAY_PRIVATE_DOMAIN}}"}),
        service("c", {"A": "${{a.RAILWAY_PRIVATE_DOMAIN}}"}),
        service("after", {"A": "${{a.RAILWAY_PRIVATE_DOMAIN}}"}),
        service("db"),
    )
    assert planned.start_order == (("db",), ("a", "b", "c"), ("after",))
    assert {item.name: item.needs for item in planned.services}["a"] == ("db",)
    assert [warning.code for warning in planned.warnings] == [WarningCode.REFERENCE_CYCLE]
    assert "a, b, c reference each other" in planned.warnings[0].message


@given(
    st.dictionaries(
        st.sampled_from("abcdefgh"), st.lists(st.sampled_from("abcdefghxyz"), max_size=4), max_size=8
    )
)
def test_start_order_names_each_service_once_and_respects_references(graph: dict[str, list[str]]) -> None:
    planned = plan(
        *(
            service(name, {f"V{n}": f"${{{{{to}.RAILWAY_SERVICE_ID}}}}" for n, to in enumerate(targets)})
            for name, targets in graph.items()
        )
    )
    level = {name: n for n, names in enumerate(planned.start_order) for name in names}
    assert sorted(name for names in planned.start_order for name in names) == sorted(graph)
    for item in planned.services:
        assert all(level[need] < level[item.name] for need in item.needs)
        direct = set(graph[item.name]).intersection(graph) - {item.name}
        for other in direct - set(item.needs):
            assert level[other] == level[item.name], "only those of its own cycle start with it"


def test_a_thousand_services_in_a_row_start_one_after_the_other() -> None:
    services = [service(f"s{n}", {"N": f"${{{{s{n + 1}.RAILWAY_SERVICE_ID}}}}"}) for n in range(1_000)]
    order = plan(*services, service("s1000")).start_order
    assert order[0] == ("s1000",)
    assert order[-1] == ("s0",)


def test_the_plan_lists_what_will_exist() -> None:
    planned = plan(
        service(
            "web",
            {"KEY": "${{secret(9)}}", "N": "${{randomInt()}}"},
            networking={
                "serviceDomains": {"<hasDomain>": {"port": 80}, "web.up.railway.app": {}},
                "customDomains": {"shop.example.com": {"port": 81}},
            },
            deploy={"healthcheckPath": "/up", "numReplicas": 2},
        ),
        service(
            "db",
            networking={"tcpProxies": {"5432": {}}},
            volumeMounts={"v": {"mountPath": "/data", "sizeMB": 500, "backupSchedules": ["DAILY"]}},
        ),
        service("job", deploy={"cronSchedule": HOUR_BY_HOUR}),
        buckets={"b": {"name": "files"}},
    )
    web, db, job = planned.services
    assert [(item.service, item.host, item.target_port, item.custom) for item in planned.domains] == [
        ("web", None, 80, False),
        ("web", "web.up.railway.app", None, False),
        ("web", "shop.example.com", 81, True),
    ]
    assert (web.healthcheck, web.replicas, web.key, str(web.source)) == (
        "/up",
        2,
        "k0",
        "ghcr.io/acme/thing:1",
    )
    assert db.tcp_ports == (5432,)
    assert job.cron == HOUR_BY_HOUR
    assert planned.public_services == ("web", "db")
    assert [(item.service, item.key, item.mount_path, item.size_mb) for item in planned.volumes] == [
        ("db", "v", "/data", 500)
    ]
    assert planned.volumes[0].backup_schedules == ("DAILY",)
    assert planned.buckets == ("files",)
    assert [(item.service, item.name) for item in planned.generated_secrets] == [("web", "KEY")]
    assert planned.required_inputs == ()


def test_required_inputs_are_those_still_missing() -> None:
    source = template(service("web", variables={"A": {}, "B": {}}))
    assert [item.key for item in source.plan().required_inputs] == ["web.A", "web.B"]
    assert source.fill({"A": "1", "B": "2"}).plan().required_inputs == ()


@pytest.mark.parametrize(
    ("services", "code", "path"),
    [
        (
            [service("web", {"DB_PASSWORD": "hunter2"})],
            "secret_in_clear",
            "$.services['k0'].variables.DB_PASSWORD.defaultValue",
        ),
        (
            [service("web", {"URL": "pg://me:hunter2@db/x"})],
            "secret_in_clear",
            "$.services['k0'].variables.URL.defaultValue",
        ),
        (
            [service("web", variables={"PIN": {"defaultValue": "1234", "isSealed": True}})],
            "secret_in_clear",
            "$.services['k0'].variables.PIN.defaultValue",
        ),
        ([service("db", source={"image": "postgres:17"})], "database_without_volume", "$.services['k0']"),
        (
            [
                service(
                    "db",
                    source={"image": "redis:8"},
                    networking={"tcpProxies": {"6379": {}}},
                    volumeMounts={"v": {"mountPath": "/data"}},
                )
            ],
            "database_on_internet",
            "$.services['k0'].networking",
        ),
        (
            [service("web", networking=DOMAIN)],
            "public_without_healthcheck",
            "$.services['k0'].deploy.healthcheckPath",
        ),
        ([service("a", source={"image": "acme/app"})], "image_not_pinned", "$.services['k0'].source.image"),
        (
            [service("a", source={"image": "acme/app:latest"})],
            "image_not_pinned",
            "$.services['k0'].source.image",
        ),
        (
            [service("a", deploy={"cronSchedule": HOUR_BY_HOUR, "restartPolicyType": "ALWAYS"})],
            "cron_restarts_always",
            "$.services['k0'].deploy.restartPolicyType",
        ),
        (
            [service("a", deploy={"cronSchedule": HOUR_BY_HOUR, "healthcheckPath": "/"}, networking=DOMAIN)],
            "cron_is_public",
            "$.services['k0'].networking",
        ),
        (
            [service("a", deploy={"requiredMountPath": "/data"})],
            "required_mount_missing",
            "$.services['k0'].deploy.requiredMountPath",
        ),
        ([service("internal")], "reserved_name", "$.services['k0'].name"),
        (
            [service("a", {"X": "${{shared.TOKEN_NAME}}"})],
            "shared_variable_needed",
            "$.services['k0'].variables.X.defaultValue",
        ),
        (
            [service("a", {"X": "${{Y}}", "Y": "${{X}}"})],
            "variable_cycle",
            "$.services['k0'].variables.X",
        ),
        ([service("a", {"X": "x${{a.X}}"})], "variable_cycle", "$.services['k0'].variables.X"),
    ],
)
def test_what_to_look_at(services: list[dict[str, Any]], code: str, path: str) -> None:
    assert warned(*services) == [(code, path)]


@pytest.mark.parametrize(
    ("reference", "because"),
    [
        ("${{nobody.X}}", "no service or bucket 'nobody'"),
        ("${{WEB.X}}", "did you mean 'web'?"),
        ("${{web.MISSING}}", "web has no variable MISSING"),
        ("${{MISSING}}", "asker has no variable MISSING"),
        ("${{web.GONE}}", "web has no variable GONE"),
        ("${{web.PORT}}", "PORT only at run time"),
        ("${{web.RAILWAY_MADE_UP}}", "web has no variable RAILWAY_MADE_UP"),
        ("${{web.RAILWAY_PUBLIC_DOMAIN}}", "web has no domain"),
        ("${{web.RAILWAY_TCP_PROXY_PORT}}", "web has no TCP proxy"),
        ("${{web.RAILWAY_VOLUME_MOUNT_PATH}}", "web has no volume"),
        ("${{web.RAILWAY_GIT_COMMIT_SHA}}", "web is not built from a repository"),
        ("${{files.PASSWORD}}", "a bucket offers only ACCESS_KEY_ID, BUCKET"),
    ],
)
def test_a_reference_to_nothing_says_why(reference: str, because: str) -> None:
    asker = service("asker", {"X": f"{reference} {reference}"})
    web = service("web", variables={"GONE": None})
    (warning,) = plan(asker, web, buckets={"b": {"name": "files"}}).warnings
    assert warning.code == "reference_to_nothing"
    assert str(warning).startswith("$.services['k0'].variables.X.defaultValue: " + reference)
    assert because in warning.message


@pytest.mark.parametrize(
    "reference",
    [
        "${{web.RAILWAY_PUBLIC_DOMAIN}}",
        "${{web.RAILWAY_TCP_PROXY_DOMAIN}}",
        "${{web.RAILWAY_VOLUME_NAME}}",
        "${{web.RAILWAY_GIT_BRANCH}}",
        "${{web.RAILWAY_PRIVATE_DOMAIN}}",
        "${{web.RAILWAY_SERVICE_WEB_URL}}",
        "${{web.PORT}}",
        "${{RAILWAY_PROJECT_ID}}",
        "${{files.ACCESS_KEY_ID}}",
        "${{shared.APP}}",
    ],
)
def test_a_reference_to_something_is_fine(reference: str) -> None:
    web = service(
        "web",
        {"PORT": "80"},
        source={"repo": "acme/web"},
        networking=DOMAIN | {"tcpProxies": {"25": {}}},
        volumeMounts={"v": {"mountPath": "/data"}},
        deploy={"healthcheckPath": "/"},
    )
    shared = {"APP": {"value": "x"}}
    assert (
        warned(service("a", {"X": reference}), web, buckets={"b": {"name": "files"}}, sharedVariables=shared)
        == []
    )


@pytest.mark.parametrize(
    "variables",
    [
        {"PASSWORD": "${{secret(32)}}", "API_KEY": "${{RAILWAY_SERVICE_ID}}"},
        {"TOKEN_TTL_SECONDS": "300", "REQUIRE_PASSWORD": "true", "SECRET": ""},
        {
            "URL": "pg://me:${{PASSWORD}}@db",
            "PASSWORD": "${{secret()}}",
            "OTHER": "https://example.com:80/@x",
        },
    ],
)
def test_what_only_looks_like_a_secret_in_clear_is_not_warned_about(variables: dict[str, str]) -> None:
    assert warned(service("web", variables)) == []


def test_a_secret_filled_in_by_a_customer_is_not_in_clear_in_the_template() -> None:
    filled = template(service("web", variables={"PASSWORD": {}})).fill({"PASSWORD": "hunter2"})
    assert filled.plan().warnings == ()


def test_neither_plan_nor_warnings_show_secrets() -> None:
    planned = plan(service("web", {"DB_PASSWORD": "hunter2", "URL": "pg://me:hunter2@db/x"}))
    assert len(planned.warnings) == 2
    assert "hunter2" not in repr(planned) + json.dumps(planned.to_dict())


def test_a_plan_is_json_and_survives_pickle() -> None:
    planned = plan(
        service("web", {"A": "${{secret()}}"}, networking=DOMAIN), buckets={"b": {"name": "files"}}
    )
    listed: Any = json.loads(json.dumps(planned.to_dict()))
    assert listed["start_order"] == [["web"]]
    assert listed["services"][0]["domains"] == [{"host": None, "target_port": 80}]
    assert listed["estimated_monthly_cost"]["total"] == "2.965"
    assert listed["estimated_monthly_cost"]["prices"]["effective_from"] == "2026-08-21"
    assert listed["warnings"][0]["code"] == "public_without_healthcheck"
    assert pickle.loads(pickle.dumps(planned)) == planned


def lines(planned: Plan, name: str) -> dict[str, Decimal]:
    estimate = planned.estimated_monthly_cost
    (cost,) = [item for item in (*estimate.services, *estimate.buckets) if item.name == name]
    assert cost.total == sum(line.usd for line in cost.lines)
    return {line.resource: line.usd for line in cost.lines}


ONE = ServiceUse(memory_gb=Decimal(1), vcpus=Decimal(1), egress_gb=Decimal(10), volume_gb=Decimal(2))


def costed(*services: dict[str, Any], **top: Any) -> Plan:
    return template(*services, **top).plan(assumptions=CostAssumptions(typical=ONE))


def test_cost_follows_use_and_prices() -> None:
    planned = costed(
        service("web", networking=DOMAIN),
        service("db", volumeMounts={"v": {"mountPath": "/d", "backupSchedules": ["DAILY"]}}),
        buckets={"b": {"name": "files"}},
    )
    assert lines(planned, "web") == {"memory": 10, "cpu": 20, "egress": Decimal("0.5")}
    assert lines(planned, "db") == {
        "memory": 10,
        "cpu": 20,
        "volume": Decimal("0.30"),
        "backup": Decimal("0.30"),
    }
    assert lines(planned, "files") == {"bucket": Decimal("0.015")}
    assert planned.estimated_monthly_cost.total == Decimal("61.115")
    assert str(planned.estimated_monthly_cost) == "$61.12 per month"


def test_cost_counts_replicas_sleep_cron_limits_and_volume_size() -> None:
    planned = costed(
        service("many", deploy={"numReplicas": 3}),
        service("sleepy", deploy={"sleepApplication": True}),
        service("job", deploy={"cronSchedule": HOUR_BY_HOUR}),
        service("capped", deploy={"limitOverride": {"containers": {"cpu": 0.5, "memoryBytes": 250_000_000}}}),
        service("small", volumeMounts={"v": {"mountPath": "/d", "sizeMB": 500}}),
    )
    assert lines(planned, "many") == {"memory": 30, "cpu": 60}
    assert lines(planned, "sleepy") == {"memory": Decimal("2.5"), "cpu": 5}
    assert lines(planned, "job")["cpu"] == RAILWAY_PRICES.cpu_cost(30 * 24 * 2), "each run takes two minutes"
    assert lines(planned, "capped") == {"memory": Decimal("2.5"), "cpu": 10}
    assert lines(planned, "small")["volume"] == Decimal("0.075")


def test_assumptions_can_be_given_for_one_service_and_are_stated() -> None:
    busy = CostAssumptions(services={"web": ServiceUse(memory_gb=Decimal(4), vcpus=Decimal(2))})
    estimate = template(service("web"), service("other")).plan(assumptions=busy).estimated_monthly_cost
    assert [cost.total for cost in estimate.services] == [Decimal(80), Decimal("2.9")]
    assert estimate.assumptions is busy
    assert "web: 4 GB memory and 2 vCPU on average, running all month" in estimate.notes
    assert estimate.notes[-1].startswith("prices in dollars from docs.railway.com")


def test_other_prices_give_other_costs() -> None:
    from dataclasses import replace

    twice = replace(RAILWAY_PRICES, memory_gb_month=Decimal(20), vcpu_month=Decimal(40))
    source = template(service("web"))
    assert (
        source.plan(prices=twice).estimated_monthly_cost.total
        == 2 * source.plan().estimated_monthly_cost.total
    )


def test_the_callers_decimal_context_does_not_change_an_estimate() -> None:
    expected = costed(service("job", deploy={"cronSchedule": "0 3 29 2 *"})).estimated_monthly_cost.total
    with localcontext(prec=2):
        assert (
            costed(service("job", deploy={"cronSchedule": "0 3 29 2 *"})).estimated_monthly_cost.total
            == expected
        )


@pytest.mark.parametrize("wrong", [Decimal(-1), Decimal("NaN"), 1.5, 1])
def test_assumptions_that_are_no_amounts_are_refused_by_name(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match="memory_gb"):
        ServiceUse(memory_gb=wrong)
    with pytest.raises(ConfigurationError, match="bucket_gb"):
        CostAssumptions(bucket_gb=wrong)


def test_nothing_is_awake_for_more_than_all_of_the_time() -> None:
    with pytest.raises(ConfigurationError, match="from 0 to 1"):
        CostAssumptions(awake_share=Decimal("1.1"))


def test_a_faulty_document_is_planned_as_far_as_it_goes() -> None:
    planned = plan(service("web", deploy={"cronSchedule": "nonsense"}), {"name": 5}, {})
    assert planned.start_order == (("web", "k1", "k2"),)
    assert plan().start_order == ()


def test_a_template_of_very_many_services_is_a_fault_and_is_not_planned() -> None:
    chain = [service(f"s{n}", {"NEXT": f"${{{{s{n + 1}.X}}}}"}) for n in range(MAX_SERVICES + 1)]
    assert len(plan(*chain[:-1]).start_order) == MAX_SERVICES
    with pytest.raises(TemplateError, match="2001 services"):
        plan(*chain)
    assert [problem.path for problem in template(*chain).check()] == ["$.services"]


def test_an_absurd_cost_can_be_shown() -> None:
    estimate = costed(service("web", deploy={"numReplicas": 10**300})).estimated_monthly_cost
    assert len(str(estimate)) > 300
