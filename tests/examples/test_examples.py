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


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the notebook machinery, not ours
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_the_notebook_runs_from_top_to_bottom(repository: Path) -> None:
    from nbclient import NotebookClient

    notebook = nbformat.read(repository / "examples" / "deploy_template.ipynb", as_version=4)
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
    assert "is running" in outputs
    assert "requests in all" in outputs


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
