"""Files that nobody runs here are held to what they speak of: workflows, image, dashboard, alerts, settings, run-books."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from packaging.requirements import Requirement
from typer.main import get_command

from reference_server.cli.app import app as commands
from reference_server.cli.deploy import settings_for_it
from reference_server.observability.exposition import Exposition
from reference_server.operations.self_deploy import read_environment_file
from reference_server.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference_server.composition import Platform

ROOT = Path(__file__).resolve().parents[3]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
RULES = yaml.safe_load((ROOT / "deploy/alerts/platform.rules.yml").read_text())["groups"][0]["rules"]
DASHBOARD = json.loads((ROOT / "deploy/grafana/platform.json").read_text())
SETTINGS = {field.alias or name for name, field in Settings.model_fields.items()}


def steps(workflow: Any) -> Iterator[Any]:
    for job in workflow["jobs"].values():
        yield from job.get("steps", [])


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
class TestWorkflows:
    def test_they_are_workflows_with_the_fewest_rights_and_an_end(self, path: Path) -> None:
        workflow = yaml.safe_load(path.read_text())
        assert set(workflow) >= {"name", True, "jobs", "permissions"}  # YAML 1.1 reads `on` as true
        assert workflow["permissions"] == {"contents": "read"}
        for name, job in workflow["jobs"].items():
            assert "uses" in job or job["timeout-minutes"] <= 60, name
            needs = job.get("needs", [])
            assert set([needs] if isinstance(needs, str) else needs) <= set(workflow["jobs"])

    def test_what_others_wrote_is_named_by_its_commit(self, path: Path) -> None:
        used = [step["uses"] for step in steps(yaml.safe_load(path.read_text())) if "uses" in step]
        assert all(re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", one) for one in used), used

    def test_nothing_that_somebody_else_can_choose_is_pasted_into_a_script(self, path: Path) -> None:
        assert not [
            step["run"] for step in steps(yaml.safe_load(path.read_text())) if "${{" in step.get("run", "")
        ]

    def test_every_target_and_command_exists(self, path: Path) -> None:
        makefile = (ROOT / "Makefile").read_text()
        group: Any = get_command(commands)
        scripts = [step["run"] for step in steps(yaml.safe_load(path.read_text())) if "run" in step]
        text = "\n".join(scripts)
        targets = [
            word for line in re.findall(r"^\s*make (.+)$", text, re.MULTILINE) for word in line.split()
        ]
        assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets), targets
        for line in re.findall(r"railway-saas-server ([^\n]*)", text):
            name, *words = line.split()
            if name == "--help":
                continue
            options = {option for parameter in group.commands[name].params for option in parameter.opts}
            assert {word for word in words if word.startswith("--")} <= options, line


def test_together_they_check_migrate_deploy_look_and_tell() -> None:
    jobs = yaml.safe_load((ROOT / ".github/workflows/deploy.yml").read_text())["jobs"]
    assert list(jobs) == ["check", "image", "migrate", "deploy", "notice"]
    assert jobs["notice"]["if"] == "always()"
    assert [step.get("name") for step in jobs["deploy"]["steps"]][-2:] == ["Deploy", "Smoke test"]


class TestImage:
    text = (ROOT / "Dockerfile").read_text()

    def test_it_is_small_pinned_and_runs_as_nobody_in_particular(self) -> None:
        assert "slim" in self.text
        assert "--require-hashes" in self.text
        assert re.search(r"^USER 10001$", self.text, re.MULTILINE)
        assert not re.search(r"^VOLUME", self.text, re.MULTILINE)  # Railway's builder refuses it
        assert self.text.index("USER 10001") < self.text.index('CMD ["gunicorn"')

    def test_what_it_copies_is_there_and_not_ignored(self) -> None:
        allowed = {
            line.removeprefix("!")
            for line in (ROOT / ".dockerignore").read_text().splitlines()
            if line.startswith("!")
        }
        copied = [
            word
            for line in re.findall(r"^COPY (?!--from)(.+)$", self.text, re.MULTILINE)
            for word in line.split()[:-1]
        ]
        assert copied
        assert all((ROOT / one).exists() for one in copied)
        assert set(copied) == allowed

    def test_its_lock_file_has_all_that_the_server_needs_in_the_versions_that_are_tested(self) -> None:
        import tomllib

        def pins(name: str) -> dict[str, str]:
            found = re.findall(r"^([\w.-]+)==(\S+)", (ROOT / "requirements" / name).read_text(), re.MULTILINE)
            return dict(found)

        server, development = pins("server.txt"), pins("dev.txt")
        assert server.items() <= development.items()
        extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
        wanted = {Requirement(one).name for one in extras["server"]} - {"railway-saas"}
        assert wanted <= set(server)
        assert not {"pytest", "mypy", "mkdocs"} & set(server)


def exported(platform: Platform) -> dict[str, set[str]]:
    """Every sample that may be scraped, with its labels."""
    exposition = Exposition(platform)
    families = [
        family for collector in (exposition._own, *exposition._others) for family in collector.collect()
    ]
    suffixes = {
        "counter": ["_total"],
        "histogram": ["_bucket", "_sum", "_count"],
        "info": ["_info"],
        "gauge": [""],
    }
    labels = {
        metric._name: set(metric._labelnames)
        for metric in vars(platform.metrics).values()
        if hasattr(metric, "_labelnames")
    }
    found: dict[str, set[str]] = {}
    for family in families:
        names = labels.get(family.name, set()) | {name for sample in family.samples for name in sample.labels}
        for suffix in suffixes[family.type]:
            found[family.name + suffix] = names | ({"le"} if family.type == "histogram" else set())
    return found


LABELS_OF_EMPTY = {
    "railway_saas_template_instances": {"template"},
    "railway_saas_recent_railway_deployments": {"status"},
}
PROMETHEUS_OWN = {"job", "instance"}


def expressions() -> Iterator[str]:
    yield from (rule["expr"] for rule in RULES)
    for panel in DASHBOARD["panels"]:
        yield from (target["expr"] for target in panel.get("targets", []))


class TestWhatIsWatched:
    def test_every_metric_and_label_that_is_named_is_exported(self, platform: Platform) -> None:
        known = exported(platform)
        for expression in expressions():
            for name, matchers in re.findall(r"(railway_saas_\w+)(?:\{([^}]*)\})?", expression):
                assert name in known, (name, expression)
                named = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers))
                assert named <= known[name] | LABELS_OF_EMPTY.get(name, set()) | PROMETHEUS_OWN, expression

    def test_every_metric_that_is_exported_is_looked_at(self, platform: Platform) -> None:
        seen = {name for one in expressions() for name in re.findall(r"railway_saas_\w+", one)}
        families = {re.sub(r"_(total|bucket|sum|count|info)$", "", name) for name in exported(platform)}
        looked_at = {re.sub(r"_(total|bucket|sum|count|info)$", "", name) for name in seen}
        assert families - looked_at == set()

    def test_parentheses_and_braces_of_every_expression_match(self) -> None:
        for expression in expressions():
            for opening, closing in ("()", "{}", "[]"):
                assert expression.count(opening) == expression.count(closing), expression

    def test_every_alert_says_how_bad_it_is_and_has_a_run_book(self) -> None:
        book = (ROOT / "docs/server/operate.md").read_text()
        headings = re.findall(r"^### (\w+)$", book, re.MULTILINE)
        assert headings == [rule["alert"] for rule in RULES]
        for rule in RULES:
            assert rule["labels"]["severity"] in {"page", "ticket"}
            assert rule["annotations"]["runbook"] == f"docs/server/operate.md#{rule['alert'].lower()}"
            assert rule["annotations"]["summary"]
        sections = re.split(r"^### \w+$", book, flags=re.MULTILINE)[1:]
        assert all("**Look**" in one and "**Do**" in one and "**Means**" in one for one in sections)

    def test_panels_do_not_overlap_and_have_ids_of_their_own(self) -> None:
        panels = DASHBOARD["panels"]
        assert len({panel["id"] for panel in panels}) == len(panels)
        cells = [
            (x, y)
            for panel in panels
            for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
            for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
        ]
        assert len(set(cells)) == len(cells)
        assert max(x for x, _ in cells) < 24


class TestSettings:
    def test_the_page_of_settings_is_what_the_settings_say(self) -> None:
        done = subprocess.run(
            [sys.executable, str(ROOT / "scripts/configuration_page.py"), "--check"],
            capture_output=True,
            text=True,
            cwd=ROOT,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def test_it_names_every_setting_and_no_other(self) -> None:
        page = (ROOT / "docs/server/configuration.md").read_text()
        assert set(re.findall(r"^\| `(\w+)`", page, re.MULTILINE)) == SETTINGS
        assert all(field.description for field in Settings.model_fields.values())

    def test_the_environment_template_names_settings_only_and_what_is_not_commented_can_be_used(self) -> None:
        text = (ROOT / "deploy/environment.template").read_text()
        named = re.findall(r"^#?([A-Z][A-Z_]+)=", text, re.MULTILINE)
        assert set(named) <= SETTINGS
        assert Settings.from_environment(read_environment_file(text)).mail_url is not None
        everything = "\n".join(
            line.removeprefix("#") for line in text.splitlines() if re.match(r"#?[A-Z_]+=", line)
        )
        settings_for_it(everything, {})

    def test_no_page_speaks_of_a_command_or_option_that_does_not_exist(self) -> None:
        group: Any = get_command(commands)
        for path in sorted((ROOT / "docs/server").glob("*.md")):
            for line in re.findall(r"railway-saas-server ([a-z][^`\n#)]*)", path.read_text()):
                name, *words = line.split()
                command = group.commands[name]
                if words and words[0] in getattr(command, "commands", {}):
                    command = command.commands[words[0]]
                options = {option for parameter in command.params for option in parameter.opts}
                assert {word for word in words if word.startswith("--")} <= options, (path.name, line)
