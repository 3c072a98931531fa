"""What changes at Railway when an instance goes from one revision to another."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from railway_saas.domain.instances import ServiceLimits
from railway_saas.instances.upgrades import UpgradePlan, plan_upgrade
from railway_saas.instances.view import read_view
from railway_saas.templates import Template
from tests.support.situations import app, environment, seen_service, seen_volume, web

few = settings(max_examples=30, deadline=None)

LIMITS = ServiceLimits(vcpus=Decimal(1))


def document(**part: Any) -> Template:
    return Template.parse({"services": {"web": {"name": "web", "source": {"image": "x"}, **part}}})


def with_variables(**variables: Any) -> Template:
    texts = {name: {"defaultValue": one} if isinstance(one, str) else one for name, one in variables.items()}
    return document(variables=texts)


def planned(
    old: Template,
    new: Template,
    *services: Any,
    overlay: Any = None,
    seed: int = 7,
    kept: dict[str, dict[str, str]] | None = None,
    made: dict[str, str] | None = None,
    unneeded: tuple[str, ...] = (),
    **more: Any,
) -> UpgradePlan:
    """What is there is what the old revision made, unless other services are named."""
    names = services or tuple(one.name for one in old.services)
    view = read_view(environment(*names, **more), new)
    return plan_upgrade(
        old,
        new,
        view,
        random.Random(seed),
        overlay=overlay or {},
        limits=LIMITS,
        kept=kept,
        made=made,
        unneeded=unneeded,
    )


def patch_of(plan: UpgradePlan, name: str = "web") -> dict[str, Any]:
    """The patch of one service."""
    services: Any = plan.patch.get("services", {})
    return dict(services.get(f"svc-{name}", {}))


# Settings -------------------------------------------------------------------------------------------------------


def merged(old: Any, patch: Any) -> Any:
    """RFC 7396."""
    if not isinstance(patch, dict):
        return patch
    result = dict(old) if isinstance(old, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


def without_nulls(value: Any) -> Any:
    """As Railway keeps it: null is nothing."""
    if not isinstance(value, dict):
        return value
    return {key: without_nulls(one) for key, one in value.items() if one is not None}


scalars = (
    st.booleans() | st.integers(0, 3) | st.sampled_from(["a", "b"]) | st.lists(st.integers(0, 2), max_size=2)
)
names = st.sampled_from(["x1", "x2", "x3"])
objects = st.recursive(
    st.dictionaries(names, scalars | st.none(), max_size=3),
    lambda inner: st.dictionaries(names, inner | scalars | st.none(), max_size=3),
    max_leaves=6,
)


@few
@given(objects, objects)
def test_the_patch_takes_the_old_settings_to_the_new_ones_and_back(one: Any, other: Any) -> None:
    for before, then in ((one, other), (other, one)):
        plan = planned(document(deploy=before), document(deploy=then))
        patch = patch_of(plan).get("deploy", {})
        assert merged(without_nulls(before), patch) == without_nulls(then)


@few
@given(objects)
def test_a_revision_with_the_same_settings_changes_nothing(settings: Any) -> None:
    plan = planned(document(deploy=settings), document(deploy=settings))
    assert plan == UpgradePlan(patch={})


@few
@given(objects)
@example({"x1": {"x2": None}})
def test_null_is_the_same_as_nothing(settings: Any) -> None:
    plan = planned(document(deploy=settings), document(deploy=without_nulls(settings)))
    assert plan == UpgradePlan(patch={})


def test_a_real_document_does_not_differ_from_itself() -> None:
    there = [seen_service("App", hosts=["a.up.railway.app"]), "Postgres", "Redis"]
    mounts = [seen_volume("Postgres", "/var/lib/postgresql/data", 5000), seen_volume("Redis", "/data")]
    assert planned(app(), app(), *there, volumes=mounts) == UpgradePlan(patch={})


@pytest.mark.parametrize(
    ("part", "old", "new", "expected"),
    [
        pytest.param("source", {"image": "x"}, {"image": "y"}, {"image": "y"}, id="image"),
        pytest.param("build", {}, {"builder": "DOCKERFILE"}, {"builder": "DOCKERFILE"}, id="builder"),
        pytest.param(
            "deploy", {"startCommand": "a"}, {"startCommand": None}, {"startCommand": None}, id="taken away"
        ),
        pytest.param(
            "networking",
            {"tcpProxies": {"1": {}}},
            {"tcpProxies": {"2": {}}},
            {"tcpProxies": {"2": {}, "1": None}},
            id="proxies",
        ),
    ],
)
def test_only_what_differs_is_patched(part: str, old: Any, new: Any, expected: Any) -> None:
    plan = planned(document(**{part: old}), document(**{part: new}))
    assert plan.patch == {"services": {"svc-web": {part: expected}}}
    assert plan.affected == ("web",)


# Variables ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        pytest.param({"A": "1"}, {"A": "2"}, {"A": {"value": "2"}}, id="changed"),
        pytest.param({}, {"A": "1"}, {"A": {"value": "1"}}, id="new"),
        pytest.param({"A": "1"}, {}, {"A": None}, id="taken away"),
        pytest.param({"A": "1"}, {"A": "1"}, {}, id="the same"),
        pytest.param({"A": "1"}, {"A": {"isOptional": True}}, {"A": None}, id="without a value any more"),
        pytest.param({}, {"A": {"isOptional": True}}, {}, id="new without a value"),
        pytest.param(
            {}, {"A": "${{Postgres.URL}}"}, {"A": {"value": "${{Postgres.URL}}"}}, id="a reference stays one"
        ),
        pytest.param(
            {},
            {"A": {"defaultValue": "1", "isSealed": True}},
            {"A": {"value": "1", "isSealed": True}},
            id="sealed",
        ),
    ],
)
def test_variables_that_differ_are_patched(old: Any, new: Any, expected: Any) -> None:
    plan = planned(with_variables(**old), with_variables(**new))
    assert patch_of(plan).get("variables", {}) == expected


@pytest.mark.parametrize("old", [{"A": "1"}, {}])
@pytest.mark.parametrize("new", [{"A": "2"}, {}])
@pytest.mark.parametrize("own", ["mine", None])
def test_the_owners_own_variables_are_left_alone(old: Any, new: Any, own: str | None) -> None:
    plan = planned(with_variables(**old), with_variables(**new), overlay={"web": {"A": own}})
    assert plan == UpgradePlan(patch={})


def test_those_of_another_service_are_no_reason() -> None:
    plan = planned(with_variables(A="1"), with_variables(A="2"), overlay={"worker": {"A": "mine"}})
    assert patch_of(plan)["variables"] == {"A": {"value": "2"}}


SECRET = "${{secret(16)}}"


@few
@given(st.integers(0, 1000))
def test_a_secret_that_did_not_change_is_not_made_anew(seed: int) -> None:
    plan = planned(with_variables(KEY=SECRET), with_variables(KEY=SECRET, A="1"), seed=seed)
    assert patch_of(plan)["variables"] == {"A": {"value": "1"}}


def test_a_secret_of_another_form_is_made_anew() -> None:
    plan = planned(with_variables(KEY=SECRET), with_variables(KEY="${{secret(32)}}"))
    assert len(patch_of(plan)["variables"]["KEY"]["value"]) == 32


SEALED = {"defaultValue": SECRET, "isSealed": True}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        pytest.param({"KEY": SECRET}, {"KEY": "mine"}, ("KEY",), id="replaced"),
        pytest.param({"KEY": SECRET}, {}, ("KEY",), id="taken away"),
        pytest.param({"KEY": f"a-{SECRET}"}, {"KEY": f"b-{SECRET}"}, ("KEY",), id="in another form"),
        pytest.param({"KEY": {"generator": "secret(16)"}}, {"KEY": "mine"}, ("KEY",), id="of a generator"),
        pytest.param({"KEY": SECRET}, {"KEY": SECRET, "A": "1"}, (), id="left alone"),
        pytest.param({"KEY": "1"}, {"KEY": SECRET}, (), id="only now made up"),
        pytest.param({"KEY": SEALED}, {"KEY": "mine"}, (), id="sealed: nobody can read it"),
    ],
)
def test_a_plan_names_what_was_made_up_once_and_is_replaced(old: Any, new: Any, expected: Any) -> None:
    plan = planned(with_variables(**old), with_variables(**new))
    assert plan.generated.get("web", ()) == expected


def test_on_the_way_back_what_was_made_up_once_is_not_made_anew() -> None:
    kept = {"web": {"KEY": "first", "OTHER": "never asked for"}}
    plan = planned(with_variables(KEY="mine"), with_variables(KEY=SECRET), kept=kept)
    assert patch_of(plan)["variables"] == {"KEY": {"value": "first"}}


def test_a_plan_names_the_variables_that_change() -> None:
    plan = planned(with_variables(OLD="1", SAME="1", A="1"), with_variables(SAME="1", A="2", NEW="1"))
    assert plan.changed_variables("svc-web") == ("A", "NEW", "OLD")
    assert plan.changed_variables("svc-other") == ()


def test_what_a_plan_tells_hides_the_values() -> None:
    plan = planned(with_variables(), with_variables(A="hunter2"))
    assert patch_of(plan)["variables"] == {"A": {"value": "hunter2"}}
    assert "hunter2" not in repr(plan)


# Volumes --------------------------------------------------------------------------------------------------------


def with_volume(size_mb: int | None = None, mount: str | None = "/data") -> Template:
    volume = {"mountPath": mount, "sizeMB": size_mb}
    return document(volumeMounts={"web": {key: one for key, one in volume.items() if one is not None}})


@few
@given(st.integers(1, 10**6), st.integers(1, 10**6))
def test_volumes_only_grow(there: int, wanted: int) -> None:
    plan = planned(with_volume(there), with_volume(wanted), volumes=[seen_volume("web", "/data", there)])
    grows = {"volume-web": {"sizeMB": wanted}} if wanted > there else {}
    assert plan.patch.get("volumes", {}) == grows
    assert plan.volumes == ()


def test_a_volume_that_the_owner_has_enlarged_stays_as_it_is() -> None:
    plan = planned(with_volume(1000), with_volume(2000), volumes=[seen_volume("web", "/data", 5000)])
    assert plan.patch == {}


@pytest.mark.parametrize(
    ("mount", "there", "expected"),
    [
        pytest.param("/data", [], (("web", "/data"),), id="not there yet"),
        pytest.param("/new", [seen_volume("web", "/data")], (("web", "/new"),), id="at another path"),
        pytest.param("/data", [seen_volume("theirs", "/data")], (("web", "/data"),), id="of another service"),
        pytest.param("/data", [seen_volume("web", "/data")], (), id="there"),
        pytest.param(
            "/data",
            [seen_volume("web", "/data", isPendingDeletion=True)],
            (("web", "/data"),),
            id="being deleted",
        ),
    ],
)
def test_volumes_that_are_missing_are_made(mount: str, there: Any, expected: Any) -> None:
    assert planned(web(), with_volume(mount=mount), "web", volumes=there).volumes == expected


MADE = {"web:/data": "0123456789ab"}


def test_the_patch_brings_what_was_made_where_it_belongs_and_its_service_is_deployed() -> None:
    wanted = document(
        volumeMounts={"v": {"mountPath": "/data", "sizeMB": 2000, "backupSchedules": ["DAILY"]}}
    )
    assert planned(document(), wanted).affected == ("web",)
    plan = planned(document(), wanted, made=MADE)
    mount = {"mountPath": "/data", "backupSchedules": ["DAILY"]}
    assert plan.patch == {
        "services": {"svc-web": {"volumeMounts": {"0123456789ab": mount}}},
        "volumes": {"0123456789ab": {"isCreated": True, "sizeMB": 2000}},
    }
    assert (plan.volumes, plan.affected) == ((), ("web",))
    assert plan.volume_names == {"0123456789ab": "web-volume-01234567"}


def test_what_the_patch_has_brought_is_not_brought_again_and_its_service_is_still_deployed() -> None:
    there = [seen_volume("web", "/data", 2000, volumeId="0123456789ab")]
    plan = planned(document(), with_volume(9000), made=MADE, volumes=there)
    assert (plan.patch, plan.affected) == ({"volumes": {"0123456789ab": {"sizeMB": 9000}}}, ("web",))
    assert (plan.volumes, plan.volume_names) == ((), {})


def backed_up(*kinds: str) -> Template:
    return document(volumeMounts={"web": {"mountPath": "/data", "backupSchedules": list(kinds)}})


@pytest.mark.parametrize(
    ("old", "new"), [((), ("DAILY",)), (("DAILY",), ("WEEKLY", "MONTHLY")), (("DAILY",), ())]
)
def test_a_volume_is_backed_up_when_the_new_revision_says_without_a_deployment(old: Any, new: Any) -> None:
    plan = planned(backed_up(*old), backed_up(*new), volumes=[seen_volume("web", "/data")])
    mount = {"mountPath": "/data", "backupSchedules": list(new)}
    assert plan.patch == {"services": {"svc-web": {"volumeMounts": {"volume-web": mount}}}}
    assert plan.affected == ()


def test_a_service_that_stays_gives_up_the_volume_that_is_to_be_deleted() -> None:
    there = [seen_volume("web", "/data"), seen_volume("other", "/data")]
    plan = planned(document(), document(), volumes=there, unneeded=("volume-web", "volume-other"))
    assert plan.patch == {"services": {"svc-web": {"volumeMounts": {"volume-web": None}}}}
    assert plan.affected == ("web",)


# Services and domains -------------------------------------------------------------------------------------------

WORKER = {"name": "worker", "source": {"image": "y"}, "deploy": {"startCommand": "work"}}


def two(**worker: Any) -> Template:
    return Template.parse(
        {"services": {"web": {"name": "web", "source": {"image": "x"}}, "w": {**WORKER, **worker}}}
    )


def test_a_new_service_is_created_first_and_patched_when_it_is_there() -> None:
    missing = planned(document(), two(), "web")
    assert (missing.added, missing.affected, missing.patch) == (("w",), ("w",), {})
    made = planned(document(), two(), "web", "worker")
    assert made.added == ()
    assert made.affected == ("w",)
    assert patch_of(made, "worker")["deploy"] == {
        "startCommand": "work",
        "limitOverride": {"containers": {"cpu": 1.0}},
    }


def test_a_service_that_the_new_revision_does_not_have_is_removed() -> None:
    plan = planned(two(), document())
    assert (plan.removed, plan.affected, plan.patch) == (("w",), (), {})


def test_a_service_under_another_key_and_the_same_name_is_the_same() -> None:
    renamed = Template.parse({"services": {"other": {"name": "web", "source": {"image": "x"}}}})
    assert planned(document(), renamed) == UpgradePlan(patch={})


@pytest.mark.parametrize(
    ("hosts", "expected"),
    [((), (("web", 1), ("web", 2))), (("a.up.railway.app",), (("web", 2),)), (("a.x", "b.x", "c.x"), ())],
)
def test_domains_that_are_missing_are_generated(hosts: Any, expected: Any) -> None:
    domains = {"<hasDomain>:80": {"port": 80}, "<hasDomain>:81": {"port": 81}}
    plan = planned(
        document(), document(networking={"serviceDomains": domains}), seen_service("web", hosts=hosts)
    )
    assert plan.domains == expected
