"""Every fault of a document, with its path."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from railway_saas.errors import TemplateError
from railway_saas.templates import Template

GOOD: dict[str, Any] = {"name": "web", "source": {"image": "nginx:1.27"}}


def problems(document: dict[str, Any]) -> dict[str, str]:
    found = Template.parse(document).check()
    assert len({problem.path for problem in found}) == len(found), "these tests expect one fault per place"
    return {problem.path: problem.message for problem in found}


def of_service(**fields: Any) -> dict[str, str]:
    """The faults of one otherwise good service, paths counted from it."""
    found = problems({"services": {"k": GOOD | fields}})
    return {path.removeprefix("$.services['k']."): message for path, message in found.items()}


def test_a_good_document_has_no_faults() -> None:
    assert Template.parse({"services": {"k": GOOD}}).check() == ()


def test_ensure_valid_hands_back_a_good_template_and_raises_all_faults_of_a_bad_one() -> None:
    good = Template.parse({"services": {"k": GOOD}})
    assert good.ensure_valid() is good
    with pytest.raises(TemplateError, match="2 problems") as caught:
        Template.parse({"services": {"k": {}}}).ensure_valid()
    assert [problem.path for problem in caught.value.problems] == [
        "$.services['k'].name",
        "$.services['k'].source",
    ]


@pytest.mark.parametrize(
    ("document", "path", "says"),
    [
        ({}, "$.services", "missing"),
        ({"services": None}, "$.services", "missing"),
        ({"services": {}}, "$.services", "empty"),
        ({"services": [GOOD]}, "$.services", "a list; must be an object"),
        ({"services": {"k": None}}, "$.services['k']", "must be an object"),
        ({"services": {"it's": "web"}}, "$.services['it\\'s']", "must be an object"),
        ({"services": {"k": GOOD}, "buckets": []}, "$.buckets", "a list; must be an object"),
        ({"services": {"k": GOOD}, "buckets": {"b": {}}}, "$.buckets['b'].name", "missing"),
        ({"services": {"k": GOOD}, "buckets": {"b": {"name": 1}}}, "$.buckets['b'].name", "must be text"),
        ({"services": {"k": GOOD}, "buckets": {"b": {"name": "shared"}}}, "$.buckets['b'].name", "reserved"),
        (
            {"services": {"k": GOOD}, "buckets": {"b": {"name": "web"}}},
            "$.buckets['b'].name",
            "'web' is used more than once; first at $.services['k'].name",
        ),
        ({"services": {"k": GOOD, "l": GOOD}}, "$.services['l'].name", "used more than once"),
        (
            {"services": {"k": GOOD}, "sharedVariables": {"A": {"value": "${{"}}},
            "$.sharedVariables.A.value",
            "without a closing",
        ),
    ],
)
def test_faults_of_the_whole_document(document: dict[str, Any], path: str, says: str) -> None:
    assert list(problems(document)) == [path]
    assert says in problems(document)[path]


@pytest.mark.parametrize(
    ("fields", "path", "says"),
    [
        ({"name": None}, "name", "missing"),
        ({"name": 5}, "name", "a number; must be text"),
        ({"name": "  "}, "name", "empty"),
        ({"name": " web"}, "name", "outer blanks"),
        ({"name": "a}}b"}, "name", "no reference can name it"),
        ({"name": "shared"}, "name", "reserved"),
        ({"source": None}, "source", "missing"),
        ({"source": {}}, "source", "missing"),
        ({"source": {"image": ""}}, "source", "missing"),
        ({"source": "nginx"}, "source", "text; must be an object"),
        ({"source": {"image": "nginx", "repo": "a/b"}}, "source", "both an image and a repo"),
        ({"source": {"image": "Not An Image"}}, "source.image", "is not an image"),
        ({"source": {"image": 7}}, "source.image", "must be text"),
        ({"source": {"repo": "just-a-name"}}, "source.repo", "not a GitHub repository"),
        ({"source": {"repo": "https://gitlab.com/a/b"}}, "source.repo", "not a GitHub repository"),
        ({"source": {"repo": "a/b", "branch": 1}}, "source.branch", "must be text"),
        ({"sleepApplication": True}, "sleepApplication", "unrecognized_keys); it belongs into deploy.sleep"),
        ({"volumeMount": {}}, "volumeMount", "did you mean 'volumeMounts'?"),
        ({"zzz": 1}, "zzz", "known are build, "),
        ({"icon": 1}, "icon", "must be text"),
        ({"build": []}, "build", "must be an object"),
        ({"build": {"builder": "MAKE"}}, "build.builder", "must be one of DOCKERFILE"),
        ({"build": {"watchPatterns": ["a", 1]}}, "build.watchPatterns[1]", "must be text"),
        ({"clusterRole": "boss"}, "clusterRole", "must be one of root"),
        ({"deploy": "now"}, "deploy", "must be an object"),
        ({"deploy": {"startCommand": ["a"]}}, "deploy.startCommand", "a list; must be text"),
        ({"deploy": {"preDeployCommand": 1}}, "deploy.preDeployCommand", "text or a list of texts"),
        ({"deploy": {"healthcheckPath": "health"}}, "deploy.healthcheckPath", "must begin with '/'"),
        ({"deploy": {"healthcheckTimeout": 0}}, "deploy.healthcheckTimeout", "at least 1"),
        (
            {"deploy": {"healthcheckTimeout": "60"}},
            "deploy.healthcheckTimeout",
            "text; must be a whole number",
        ),
        ({"deploy": {"numReplicas": 0}}, "deploy.numReplicas", "is 0; must be a whole number of at least 1"),
        ({"deploy": {"numReplicas": 1.5}}, "deploy.numReplicas", "must be a whole number"),
        ({"deploy": {"numReplicas": True}}, "deploy.numReplicas", "true or false; must be a whole number"),
        (
            {"deploy": {"multiRegionConfig": {"us-west2": {"numReplicas": -1}}}},
            "deploy.multiRegionConfig['us-west2'].numReplicas",
            "at least 1",
        ),
        ({"deploy": {"multiRegionConfig": 1}}, "deploy.multiRegionConfig", "must be an object"),
        (
            {"deploy": {"restartPolicyType": "SOMETIMES"}},
            "deploy.restartPolicyType",
            "ALWAYS, NEVER, ON_FAILURE",
        ),
        ({"deploy": {"restartPolicyType": 1}}, "deploy.restartPolicyType", "a number; must be one of"),
        ({"deploy": {"restartPolicyMaxRetries": -1}}, "deploy.restartPolicyMaxRetries", "at least 0"),
        ({"deploy": {"sleepApplication": "yes"}}, "deploy.sleepApplication", "text; must be true or false"),
        ({"deploy": {"requiredMountPath": "data"}}, "deploy.requiredMountPath", "must begin with '/'"),
        ({"deploy": {"cronSchedule": "@daily"}}, "deploy.cronSchedule", "1 fields; there must be 5"),
        ({"deploy": {"cronSchedule": "*/2 * * * *"}}, "deploy.cronSchedule", "2 min apart"),
        ({"deploy": {"cronSchedule": 5}}, "deploy.cronSchedule", "must be text"),
        (
            {"deploy": {"cronSchedule": "0 3 * * *", "numReplicas": 2}},
            "deploy.numReplicas",
            "is 2; a service with cronSchedule runs as one replica",
        ),
        (
            {"deploy": {"limitOverride": {"containers": {"cpu": 0}}}},
            "deploy.limitOverride.containers.cpu",
            "a number above 0",
        ),
        (
            {"deploy": {"limitOverride": {"containers": {"memoryBytes": "1 GB"}}}},
            "deploy.limitOverride.containers.memoryBytes",
            "text; must be a number above 0",
        ),
        (
            {"volumeMounts": {"v": {"mountPath": "/d"}}, "deploy": {"numReplicas": 2}},
            "deploy.numReplicas",
            "is 2; a service with a volume runs as one replica",
        ),
        (
            {
                "volumeMounts": {"v": {"mountPath": "/d"}},
                "deploy": {"multiRegionConfig": {"a": {"numReplicas": 1}, "b": {"numReplicas": 1}}},
            },
            "deploy.numReplicas",
            "is 2; a service with a volume",
        ),
        ({"volumeMounts": []}, "volumeMounts", "must be an object"),
        ({"volumeMounts": {"v": {}}}, "volumeMounts['v'].mountPath", "missing"),
        (
            {"volumeMounts": {"v": {"mountPath": "data"}}},
            "volumeMounts['v'].mountPath",
            "must begin with '/'",
        ),
        ({"volumeMounts": {"v": {"mountPath": "/d", "sizeMB": 0}}}, "volumeMounts['v'].sizeMB", "at least 1"),
        (
            {"volumeMounts": {"v": {"mountPath": "/d", "backupSchedules": ["HOURLY"]}}},
            "volumeMounts['v'].backupSchedules[0]",
            "DAILY, WEEKLY, MONTHLY",
        ),
        (
            {"volumeMounts": {"v": {"mountPath": "/d"}, "w": {"mountPath": "/e"}}},
            "volumeMounts",
            "one volume per service",
        ),
        ({"networking": 1}, "networking", "must be an object"),
        ({"networking": {"serviceDomains": []}}, "networking.serviceDomains", "must be an object"),
        (
            {"networking": {"serviceDomains": {"<hasDomain>:http": {}}}},
            "networking.serviceDomains['<hasDomain>:http']",
            "the key must be '<hasDomain>'",
        ),
        (
            {"networking": {"serviceDomains": {"hasDomain": {}}}},
            "networking.serviceDomains['hasDomain']",
            "the key must be '<hasDomain>'",
        ),
        (
            {"networking": {"serviceDomains": {"<hasDomain>:70000": {}}}},
            "networking.serviceDomains['<hasDomain>:70000']",
            "is 70000; must be a whole number 1-65535",
        ),
        (
            {"networking": {"serviceDomains": {"<hasDomain>": {"port": 0}}}},
            "networking.serviceDomains['<hasDomain>'].port",
            "1-65535",
        ),
        (
            {"networking": {"serviceDomains": {"<hasDomain>": {"port": "80"}}}},
            "networking.serviceDomains['<hasDomain>'].port",
            "text; must be a whole number 1-65535",
        ),
        (
            {"networking": {"serviceDomains": {"<hasDomain>:80": {"port": 81}}}},
            "networking.serviceDomains['<hasDomain>:80'].port",
            "is 81, but the key says 80",
        ),
        (
            {"networking": {"customDomains": {"no spaces.example": {}}}},
            "networking.customDomains['no spaces.example']",
            "not a host name",
        ),
        ({"networking": {"tcpProxies": {"x": {}}}}, "networking.tcpProxies['x']", "a port number"),
        ({"deploy": {"cronSchedule": ["a"]}}, "deploy.cronSchedule", "must be text"),
        ({"deploy": {"healthcheckPath": 1}}, "deploy.healthcheckPath", "must be text"),
        ({"deploy": {"preDeployCommand": ["a", 1]}}, "deploy.preDeployCommand[1]", "must be text"),
        ({"build": {"watchPatterns": "a"}}, "build.watchPatterns", "text; must be a list"),
        ({"networking": {"privateNetworkEndpoint": 1}}, "networking.privateNetworkEndpoint", "must be text"),
        ({"networking": {"tcpProxies": {"005432000": {}}}}, "networking.tcpProxies['005432000']", "a port"),
        ({"networking": {"tcpProxies": {"0": {}}}}, "networking.tcpProxies['0']", "a port number"),
        ({"networking": {"tcpProxies": {"5432": 1}}}, "networking.tcpProxies['5432']", "must be an object"),
        ({"networking": {"tcpProxies": {"1": {}, "2": {}}}}, "networking.tcpProxies", "one TCP proxy"),
        ({"networking": {"privateNetworkEndpoint": "up"}}, "networking.privateNetworkEndpoint", "reserved"),
        ({"networking": {"privateNetworkEndpoint": "A b"}}, "networking.privateNetworkEndpoint", "label"),
        ({"variables": []}, "variables", "must be an object"),
        ({"variables": {"A": "b"}}, "variables.A", "{'defaultValue': '...'}, not the bare value"),
        ({"variables": {"A": []}}, "variables.A", "must be an object"),
        ({"variables": {"": {}}}, "variables['']", "without a name"),
        ({"variables": {"A=B": {}}}, "variables['A=B']", "the name holds"),
        ({"variables": {"A.B": {}}}, "variables['A.B']", "the name holds"),
        ({"variables": {"A": {"defaultValue": 80}}}, "variables.A.defaultValue", "a number; must be text"),
        ({"variables": {"A": {"value": True}}}, "variables.A.value", "true or false; must be text"),
        ({"variables": {"A": {"defaultValue": "a\0b"}}}, "variables.A.defaultValue", "NUL"),
        ({"variables": {"A": {"isOptional": "no"}}}, "variables.A.isOptional", "must be true or false"),
        ({"variables": {"A": {"description": 1}}}, "variables.A.description", "must be text"),
        (
            {"variables": {"A": {"defaultValue": "a ${{B"}}},
            "variables.A.defaultValue",
            "without a closing `}}`",
        ),
        ({"variables": {"A": {"defaultValue": "${{ }}"}}}, "variables.A.defaultValue", "names no variable"),
        ({"variables": {"A": {"defaultValue": "${{.B}}"}}}, "variables.A.defaultValue", "names no service"),
        (
            {"variables": {"A": {"defaultValue": "${{uuid()}}"}}},
            "variables.A.defaultValue",
            "unknown function uuid",
        ),
        ({"variables": {"A": {"value": "${{secret(-1)}}"}}}, "variables.A.value", "length is -1"),
        ({"variables": {"A": {"value": "${{secret(32, '')}}"}}}, "variables.A.value", "alphabet is empty"),
        ({"variables": {"A": {"value": "${{secret(99999)}}"}}}, "variables.A.value", "from 1 to 32768"),
        ({"variables": {"A": {"value": '${{secret("abc")}}'}}}, "variables.A.value", "takes a length"),
        (
            {"variables": {"A": {"value": "${{secret(thirty)}}"}}},
            "variables.A.value",
            "whole numbers and quoted",
        ),
        ({"variables": {"A": {"value": "${{randomInt(9, 1)}}"}}}, "variables.A.value", "minimum 9 is above"),
        (
            {"variables": {"A": {"value": "${{randomInt(1, 2, 3)}}"}}},
            "variables.A.value",
            "a minimum and a maximum",
        ),
        ({"variables": {"A": {"generator": "32"}}}, "variables.A.generator", "must be a function call"),
        ({"variables": {"A": {"generator": "secret(0)"}}}, "variables.A.generator", "length is 0"),
        ({"variables": {"A": {"generator": 1}}}, "variables.A.generator", "must be text"),
        ({"variables": {"A": {"generator": "${{secret(0)}}"}}}, "variables.A.generator", "length is 0"),
        (
            {"variables": {"A": {"generator": 'secret(32768, "ä")'}}},
            "variables.A.generator",
            "is 65536 bytes long once its functions are evaluated",
        ),
        (
            {"variables": {"A": {"generator": "${{secret()}}" * 101}}},
            "variables.A.generator",
            "calls 101 functions; at most 100 are accepted",
        ),
        (
            {"variables": {"A": {"defaultValue": "${{secret(20000)}}" * 2}}},
            "variables.A.defaultValue",
            "is 40000 bytes long once its functions are evaluated",
        ),
    ],
)
def test_faults_of_a_service(fields: dict[str, Any], path: str, says: str) -> None:
    found = of_service(**fields)
    assert list(found) == [path]
    assert says in found[path]


@pytest.mark.parametrize(
    "fields",
    [
        {
            "icon": None,
            "build": None,
            "deploy": None,
            "variables": None,
            "networking": None,
            "volumeMounts": None,
        },
        {"build": {}, "deploy": {}, "variables": {}, "networking": {}, "volumeMounts": {}},
        {"deploy": {"startCommand": None, "preDeployCommand": ["migrate"], "cronSchedule": None}},
        {"deploy": {"healthcheckPath": "", "startCommand": "", "cronSchedule": ""}},
        {"deploy": {"numReplicas": 3.0, "someNewSetting": [1]}},
        {"variables": {"A": None, "B": {}, "C": {"someNewField": 1}, "lower_case": {"defaultValue": ""}}},
        {
            "variables": {
                "A": {"generator": 'secret(32, "abc")'},
                "B": {"defaultValue": "${NOT} {{an}} $expression"},
            }
        },
        {"networking": {"serviceDomains": {"<hasDomain>": None, "web.up.railway.app": {"port": 80.0}}}},
        {"networking": {"customDomains": {"*.example.com": {}}, "tcpProxies": {"5432": None}}},
        {"source": {"repo": "https://github.com/owner/name/tree/some/branch", "rootDirectory": None}},
        {"source": {"repo": "owner/name", "branch": "main", "image": None, "rootDirectory": "apps/web"}},
        {
            "clusterRole": "root",
            "parentServiceId": "p",
            "groupId": "g",
            "clusterWiring": {"quorumVariable": "Q"},
        },
        {"deploy": {"cronSchedule": "*/5 * * * *", "numReplicas": 1, "restartPolicyType": "NEVER"}},
    ],
)
def test_what_real_templates_do_is_no_fault(fields: dict[str, Any]) -> None:
    assert of_service(**fields) == {}


def test_unknown_keys_outside_services_are_no_faults() -> None:
    assert (
        problems({"services": {"k": GOOD}, "canvas": {"x": 1}, "buckets": {"b": {"name": "b", "x": 1}}}) == {}
    )


def test_a_volume_and_a_private_name_belong_to_one_service() -> None:
    shared = {"volumeMounts": {"v": {"mountPath": "/d"}}, "networking": {"privateNetworkEndpoint": "db"}}
    found = problems({"services": {"a": GOOD | shared, "b": GOOD | shared | {"name": "other"}}})
    assert found == {
        "$.services['b'].volumeMounts['v']": (
            "the volume 'v' is mounted by two services; first at $.services['a'].volumeMounts['v']"
        ),
        "$.services['b'].networking.privateNetworkEndpoint": (
            "the private name 'db' is used twice; first at $.services['a'].networking.privateNetworkEndpoint"
        ),
    }


def test_every_fault_of_one_document_is_reported_at_once() -> None:
    document = {
        "services": {
            "one": {
                "name": "",
                "source": {"image": "UPPER CASE", "repo": "also/this"},
                "replicas": 3,
                "deploy": {"numReplicas": 0, "restartPolicyType": "MAYBE", "healthcheckPath": "x"},
                "variables": {
                    "PORT": {"defaultValue": 8080},
                    "B": "bare",
                    "C": {"value": "${{secret(0)}} ${{"},
                },
                "networking": {"serviceDomains": {"<hasDomain>:x": {"port": 0}}, "tcpProxies": {"http": {}}},
                "volumeMounts": {"a": {"mountPath": "rel"}, "b": {}},
            },
            "two": {"name": "dup", "source": {"repo": "o/n"}},
            "three": {"name": "dup", "source": {"repo": "o/n"}, "deploy": {"cronSchedule": "* * * * *"}},
            "four": 4,
        },
        "buckets": {"x": {}},
    }
    one = "$.services['one']"
    assert [problem.path for problem in Template.parse(document).check()] == [
        f"{one}.replicas",
        f"{one}.name",
        f"{one}.source.image",
        f"{one}.source",
        f"{one}.deploy.healthcheckPath",
        f"{one}.deploy.numReplicas",
        f"{one}.deploy.restartPolicyType",
        f"{one}.variables.PORT.defaultValue",
        f"{one}.variables.B",
        f"{one}.variables.C.value",
        f"{one}.variables.C.value",
        f"{one}.networking.serviceDomains['<hasDomain>:x']",
        f"{one}.networking.serviceDomains['<hasDomain>:x'].port",
        f"{one}.networking.tcpProxies['http']",
        f"{one}.volumeMounts['a'].mountPath",
        f"{one}.volumeMounts['b'].mountPath",
        f"{one}.volumeMounts",
        "$.services['three'].deploy.cronSchedule",
        "$.services['four']",
        "$.buckets['x'].name",
        "$.services['three'].name",
    ]


def test_messages_do_not_show_values_of_variables() -> None:
    found = Template.parse(
        {
            "services": {
                "k": GOOD | {"variables": {"A": {"value": "hunter2 ${{"}, "B": {"value": ["hunter2"]}}}
            }
        }
    ).check()
    assert len(found) == 2
    assert not any("hunter2" in str(problem) for problem in found)


SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
)
KEYS = st.sampled_from(
    [
        "services",
        "name",
        "source",
        "image",
        "repo",
        "deploy",
        "variables",
        "networking",
        "serviceDomains",
        "tcpProxies",
        "volumeMounts",
        "mountPath",
        "sizeMB",
        "backupSchedules",
        "cronSchedule",
        "numReplicas",
        "multiRegionConfig",
        "defaultValue",
        "value",
        "generator",
        "port",
        "buckets",
        "build",
        "customDomains",
        "privateNetworkEndpoint",
        "<hasDomain>:80",
        "5432",
        "A",
        "limitOverride",
        "containers",
        "cpu",
        "memoryBytes",
    ]
)
SHAPED = st.recursive(
    SCALARS | st.sampled_from(["${{a.B}}", "${{secret(3)}}", "0 3 * * *", "nginx", "/data", "a"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=30,
)


@given(st.dictionaries(KEYS, SHAPED, max_size=4), st.dictionaries(KEYS, SHAPED, max_size=8))
def test_no_shape_of_document_breaks_the_engine(document: dict[str, Any], service: dict[str, Any]) -> None:
    template = Template.parse(document | {"services": {"k": service, "l": document}})
    template.check()
    template.inputs()
    template.json_schema()
    plan = template.plan()
    assert sum(len(level) for level in plan.start_order) == len(template.services)
    plan.to_dict()
    template.diff(Template.parse(document)).to_dict()


def test_what_could_not_even_be_sent_is_a_fault() -> None:
    deploy = {"numReplicas": 2**31, "healthcheckTimeout": 10**300}
    variables = {"A": {"defaultValue": "caf\ud83d"}, "B": {"value": "\U0001f600"}}
    service = {"name": "web", "source": {"image": "nginx:1"}, "deploy": deploy, "variables": variables}
    problems = Template.parse({"services": {"k": service}}).check()
    assert {problem.path.removeprefix("$.services['k'].") for problem in problems} == {
        "deploy.numReplicas",
        "deploy.healthcheckTimeout",
        "variables.A.defaultValue",
    }
