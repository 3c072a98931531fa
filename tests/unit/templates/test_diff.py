"""What a new revision changes."""

from __future__ import annotations

import json
import pickle
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from railway_saas.templates import Template, TemplateDiff

OLD: dict[str, Any] = {
    "services": {
        "w": {
            "name": "web",
            "source": {"image": "acme/web:1"},
            "deploy": {"startCommand": None, "healthcheckPath": "/up"},
            "variables": {
                "PORT": {"defaultValue": "3000"},
                "PASSWORD": {"defaultValue": "hunter2"},
                "TITLE": {"defaultValue": "Hi", "description": "Shown."},
            },
            "networking": {"serviceDomains": {"<hasDomain>:3000": {"port": 3000}}},
        },
        "d": {
            "name": "db",
            "source": {"image": "postgres:17"},
            "volumeMounts": {"d": {"mountPath": "/data", "sizeMB": 5000}},
        },
    },
    "buckets": {"b": {"name": "files"}},
}


def changed(**paths: Any) -> dict[str, Any]:
    """OLD with values set at dotted paths; `...` removes."""
    document = deepcopy(OLD)
    for path, value in paths.items():
        *parents, last = path.split("__")
        place = document
        for parent in parents:
            place = place.setdefault(parent, {})
        if value is ...:
            del place[last]
        else:
            place[last] = value
    return document


def diff(new: dict[str, Any], old: dict[str, Any] = OLD) -> TemplateDiff:
    return Template.parse(old).diff(Template.parse(new))


def test_a_template_does_not_differ_from_itself() -> None:
    assert diff(OLD).is_empty
    assert diff(OLD).summary == ()
    assert diff(OLD) == TemplateDiff()


def test_order_of_keys_and_spelling_of_numbers_are_no_difference() -> None:
    new = changed(services__d__volumeMounts__d__sizeMB=5000.0)
    new["services"] = dict(reversed(new["services"].items()))
    assert diff(new).is_empty


def test_services_come_and_go() -> None:
    new = changed(services__c={"name": "cache", "source": {"image": "redis:8"}}, services__w=...)
    result = diff(new)
    assert result.services_added == ("cache",)
    assert result.services_removed == ("web",)
    assert not result.loses_data
    assert result.summary == ("Service cache is new.", "Service web is removed.")


def test_fields_are_listed_with_old_and_new() -> None:
    (change,) = diff(
        changed(
            services__w__source__image="acme/web:2",
            services__w__deploy__startCommand="run",
            services__w__deploy__numReplicas=2,
            services__w__deploy__healthcheckPath=...,
        )
    ).services_changed
    assert change.name == "web"
    assert {item.path: (item.old, item.new, item.added, item.removed) for item in change.fields} == {
        "$.services['w'].source.image": ("acme/web:1", "acme/web:2", False, False),
        "$.services['w'].deploy.startCommand": (None, "run", False, False),
        "$.services['w'].deploy.healthcheckPath": ("/up", None, False, True),
        "$.services['w'].deploy.numReplicas": (None, 2, True, False),
    }


def test_the_summary_reads_as_sentences() -> None:
    new = changed(
        services__w__source__image="acme/web:2",
        services__w__deploy__numReplicas=2,
        services__w__deploy__healthcheckPath=...,
        services__w__variables__PORT__defaultValue="4000",
        services__w__variables__EMAIL={},
        services__w__variables__TITLE=...,
        services__w__networking__serviceDomains={"<hasDomain>:4000": {"port": 4000}},
        services__d__volumeMounts=...,
        buckets__b__name="uploads",
    )
    assert diff(new).summary == (
        "The volume at /data of db is removed: what is stored on it is lost.",
        "web.EMAIL must be filled in now.",
        "Service web gets the domain <hasDomain>:4000.",
        "Service web loses the domain <hasDomain>:3000.",
        "Service web: source.image changes from acme/web:1 to acme/web:2.",
        "Service web: deploy.healthcheckPath is no longer set (it was /up).",
        "Service web: deploy.numReplicas is set to 2.",
        "Variable web.PORT: defaultValue changes from 3000 to 4000.",
        "Variable web.TITLE is removed.",
        "Variable web.EMAIL is new.",
        'Service db: volumeMounts is no longer set (it was {"d": {"mountPath": "/data", "sizeMB": 5000}}).',
        "The template: buckets['b'].name changes from files to uploads.",
    )


def test_variables_are_compared_by_name() -> None:
    (change,) = diff(
        changed(
            services__w__variables__PORT={"defaultValue": "3000", "isOptional": True},
            services__w__variables__TITLE=...,
            services__w__variables__NEW={"defaultValue": "x"},
        )
    ).services_changed
    assert change.variables_added == ("NEW",)
    assert change.variables_removed == ("TITLE",)
    assert change.variables_changed == ("PORT",)
    assert change.fields == ()


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        ("services__w__variables__PASSWORD__defaultValue", "(hidden)", "(hidden)"),
        ("services__w__deploy__registryCredentials", None, {"username": "(hidden)", "password": "(hidden)"}),
        ("services__w__deploy__startCommand", None, "(hidden)"),
    ],
)
def test_secrets_are_not_shown(path: str, old: object, new: object) -> None:
    values: Any = {
        "services__w__variables__PASSWORD__defaultValue": "hunter3",
        "services__w__deploy__registryCredentials": {"username": "me", "password": "hunter3"},
        "services__w__deploy__startCommand": "run --db pg://me:hunter3@db",
    }
    result = diff(changed(**{path: values[path]}))
    (change,) = result.services_changed
    (field,) = change.variables[0].fields if change.variables else change.fields
    assert (field.old, field.new) == (old, new)
    everything = repr(result) + json.dumps(result.to_dict()) + "".join(result.summary)
    assert "hunter" not in everything


def test_secrets_of_sealed_new_and_removed_variables_are_not_shown() -> None:
    plain = {"services": {"w": {"name": "web"}}}
    sealed = {
        "services": {"w": {"name": "web", "variables": {"PIN": {"value": "hunter2", "isSealed": True}}}}
    }
    nulled = {"services": {"w": {"name": "web", "variables": None}}}
    for old, new in ((plain, sealed), (sealed, plain), (nulled, sealed), (sealed, nulled)):
        result = diff(new, old)
        assert not result.is_empty
        assert "hunter" not in repr(result) + json.dumps(result.to_dict())


def test_expressions_in_secret_variables_are_shown_as_they_hold_none() -> None:
    (change,) = diff(
        changed(services__w__variables__PASSWORD__defaultValue="${{secret(32)}}")
    ).services_changed
    assert (change.variables[0].fields[0].old, change.variables[0].fields[0].new) == (
        "(hidden)",
        "${{secret(32)}}",
    )


def test_only_inputs_that_were_not_required_before_are_new() -> None:
    old = changed(services__w__variables__EMAIL={}, services__w__variables__NAME={"defaultValue": "x"})
    new = changed(
        services__w__name="site",
        services__w__variables__EMAIL={},
        services__w__variables__NAME={},
        services__w__variables__MORE={},
    )
    assert [item.key for item in diff(new, old).new_required_inputs] == ["site.NAME", "site.MORE"]


def test_a_removed_volume_loses_data_with_or_without_its_service() -> None:
    for new in (changed(services__d=...), changed(services__d__volumeMounts={})):
        result = diff(new)
        assert result.loses_data
        assert [(item.service, item.old and item.old.mount_path) for item in result.volumes_removed] == [
            ("db", "/data")
        ]
        assert "lost" in result.summary[0]


def test_a_volume_that_shrinks_is_flagged_and_one_that_grows_is_not() -> None:
    smaller = diff(changed(services__d__volumeMounts__d__sizeMB=1000))
    assert smaller.loses_data
    assert smaller.summary == (
        "The volume at /data of db would shrink from 5000 to 1000 MB, which Railway cannot do.",
    )
    bigger = diff(changed(services__d__volumeMounts__d__sizeMB=9000))
    assert not bigger.loses_data
    assert bigger.summary == ("The volume at /data of db changes its settings.",)


def test_a_volume_that_moves_is_the_same_volume() -> None:
    result = diff(changed(services__d__volumeMounts__d__mountPath="/srv"))
    assert not result.loses_data
    assert result.summary == ("The volume at /data of db moves to /srv.",)


def test_a_new_volume_is_told() -> None:
    result = diff(changed(services__w__volumeMounts={"x": {"mountPath": "/cache"}}))
    assert [item.service for item in result.volumes_added] == ["web"]
    assert result.summary[0] == "Service web gets a volume at /cache."


def test_a_service_with_a_new_key_is_found_by_its_name_with_its_volume() -> None:
    new = deepcopy(OLD)
    moved = new["services"].pop("d")
    moved["volumeMounts"] = {"d2": moved["volumeMounts"]["d"]}
    new["services"]["d2"] = moved
    result = diff(new)
    assert (result.services_added, result.services_removed, result.loses_data) == ((), (), False)
    (change,) = result.services_changed
    assert (change.old_key, change.key) == ("d", "d2")
    assert (
        "Service db has another key, so Railway takes it for another service of the template."
        in result.summary
    )


def test_a_service_with_a_new_name_is_found_by_its_key() -> None:
    result = diff(changed(services__w__name="site"))
    (change,) = result.services_changed
    assert (change.old_name, change.name) == ("web", "site")
    assert result.summary == ("Service web is now called site.",)


def test_unknown_keys_anywhere_are_compared_too() -> None:
    result = diff(changed(canvas={"x": 1}, services__w__future={"y": [1]}))
    assert result.summary == (
        'Service web: future is set to {"y": [1]}.',
        'The template: canvas is set to {"x": 1}.',
    )


def test_a_diff_is_json_and_survives_pickle() -> None:
    result = diff(changed(services__w__name="site", services__d=...))
    listed: Any = json.loads(json.dumps(result.to_dict()))
    assert listed["summary"] == list(result.summary)
    assert listed["loses_data"] is True
    assert pickle.loads(pickle.dumps(result)) == result


KEYS = st.sampled_from(
    [
        "services",
        "name",
        "variables",
        "volumeMounts",
        "networking",
        "serviceDomains",
        "buckets",
        "a",
        "b",
        "A",
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from(["a", "b", "${{a.A}}"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
DOCUMENTS = st.fixed_dictionaries(
    {"services": st.dictionaries(st.sampled_from("ab"), st.dictionaries(KEYS, VALUES, max_size=4) | VALUES)},
    optional={"buckets": VALUES, "a": VALUES},
)


@given(DOCUMENTS, DOCUMENTS)
def test_a_diff_is_empty_exactly_when_the_content_is_equal(old: dict[str, Any], new: dict[str, Any]) -> None:
    one, other = Template.parse(old), Template.parse(new)
    result = one.diff(other)
    assert result.is_empty is (one == other)
    assert bool(result.summary) is not result.is_empty
    assert one.diff(one).is_empty
