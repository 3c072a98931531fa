"""Run every benchmark, print its table, and say at the end which goals are met: `make bench`."""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import (
    client_call,
    deploy_requests,
    emulator,
    import_time,
    pacing,
    queueing,
    watching,
    write_ahead,
)
from benchmarks.serving import comparison, cpu_profile, steady

if TYPE_CHECKING:
    from benchmarks.figures import Benchmark, Report

BENCHMARKS: dict[str, Benchmark] = {
    "client": client_call.run,
    "import": import_time.run,
    "deploy": deploy_requests.run,
    "pacing": pacing.run,
    "emulator": emulator.run,
    "watching": watching.run,
    "queueing": queueing.run,
    "write-ahead": write_ahead.run,
    "serving": comparison.run,
    "serving-cpu": cpu_profile.run,
    "steady": steady.run,
}
LIBRARIES = (
    "railway-saas",
    "httpx",
    "httpcore",
    "pydantic",
    "tenacity",
    "aiolimiter",
    "gql",
    "railway-client",
    "uvicorn",
    "sqlalchemy",
    "psycopg",
    "flask",
    "gunicorn",
    "fastapi",
    "locust",
)


def main() -> None:
    """Measure, print, and write the figures if asked to. Missed goals are said, and are no failure."""
    options = _options()
    begun = time.monotonic()
    print(_header(quick=options.quick))
    reports: dict[str, Report] = {}
    for name in options.only or BENCHMARKS:
        reports[name] = BENCHMARKS[name](options.quick)
        print(f"\n{reports[name].text()}", flush=True)
    print(f"\n{_goals(reports)}\n\nTook {time.monotonic() - begun:.0f} s.")
    if options.json:
        options.json.write_text(json.dumps(_document(reports, quick=options.quick), indent=2) + "\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="fewer rounds, a few minutes: to see that it works"
    )
    parser.add_argument("--only", choices=BENCHMARKS, action="append", help="one benchmark; may be repeated")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures to FILE")
    return parser.parse_args()


def _machine() -> dict[str, str]:
    return {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "system": f"{platform.system()} {platform.machine()}",
        "cpus": str(os.cpu_count()),
        **{name: version(name) for name in LIBRARIES},
    }


def _header(*, quick: bool) -> str:
    machine = _machine()
    versions = ", ".join(f"{name} {machine[name]}" for name in LIBRARIES)
    hurry = "\nQUICK: too few rounds to rely on." if quick else ""
    return f"{machine['python']} on {machine['system']}, {machine['cpus']} CPUs\n{versions}{hurry}"


def _goals(reports: dict[str, Report]) -> str:
    lines = [goal.text() for report in reports.values() for goal in report.goals]
    return "\n".join(["Goals", "-----", *lines])


def _document(reports: dict[str, Report], *, quick: bool) -> dict[str, object]:
    return {
        "machine": _machine(),
        "quick": quick,
        "benchmarks": {name: report.as_json() for name, report in reports.items()},
    }


if __name__ == "__main__":
    main()
