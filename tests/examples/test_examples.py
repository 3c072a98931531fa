"""The examples run as they stand."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import nbformat
import pytest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("deploy_template.ipynb", ["is running", "requests in all"]),
        (
            "instances.ipynb",
            [
                "  3/3  everything is running\n",  # shown without being asked for
                "the plan 'pro' would do",
                "the change is running",
                "found the project that was already made",
                "2 projects for 2 instances",
                "acme is deleted",
            ],
        ),
    ],
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the notebook machinery, not ours
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_notebook_runs_from_top_to_bottom(repository: Path, name: str, told: list[str]) -> None:
    from nbclient import NotebookClient

    notebook = nbformat.read(repository / "examples" / name, as_version=4)
    folder = str(repository / "examples")
    client = NotebookClient(
        notebook, timeout=120, resources={"metadata": {"path": folder}}, kernel_name="python3"
    )
    client.execute()
    outputs = "".join(
        output.get("text", "")
        for cell in notebook.cells
        for output in cell.get("outputs", ())
        if "text" in output
    )
    assert [text for text in told if text not in outputs] == []


def test_the_demo_ends_well_without_the_genuine_documents(repository: Path, tmp_path: Path) -> None:
    environment = os.environ | {"RAILWAY_SAAS_REFERENCE_DATA": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "examples/demo.py"],
        cwd=repository,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "demo: ok"
    assert "    0 projects at Railway, 0 instances, 0 discrepancies" in done.stdout.splitlines()
