"""Build the wheel and use it as a user would: installed bare into an empty environment, without extras."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NEEDED = (
    "railway_saas/py.typed",
    "railway_saas/railway/documents/projects.graphql",
    "railway_saas/emulator/schema.graphql",
    "reference_server/catalogue/web-app.json",
    "reference_server/mail/templates/verify_email.txt",
    "reference_server/migrations/versions/0001_first_schema.py",
    "reference_server/operations/railway_template.json",
)

PACKAGES = ("railway_saas/", "reference_server/", "railway_saas-")

USE = """
import sys
import railway_saas
from railway_saas.templates import Template
with railway_saas.RailwayClient("a-token") as client:
    client.projects, client.deployments, client.usage
template = Template.parse({"services": {"web": {"name": "web", "source": {"image": "nginx:1.29"}}}})
assert not template.check()
extras = {"graphql", "starlette", "uvicorn", "websockets", "typer", "rich", "sqlalchemy", "stripe", "flask"}
loaded = extras & set(sys.modules)
assert not loaded, f"importing the SDK loads {loaded}"
print(railway_saas.__version__)
"""


def run(*command: str | Path, cwd: Path) -> str:
    """Run a command away from the checkout; its output."""
    environment = {
        name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "VIRTUAL_ENV"}
    }
    done = subprocess.run(
        list(map(str, command)), cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        sys.exit(f"check_wheel: {' '.join(map(str, command[:4]))} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def build(folder: Path) -> Path:
    """Build the wheel into a folder."""
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    (wheel,) = folder.glob("*.whl")
    return wheel


def check_contents(wheel: Path) -> None:
    """Data files are in, tests and caches are not."""
    names = zipfile.ZipFile(wheel).namelist()
    missing = [name for name in NEEDED if name not in names]
    strange = [name for name in names if not name.startswith(PACKAGES)]
    if missing or strange:
        sys.exit(f"check_wheel: missing {missing}, not wanted {strange}")


def pinned_base(folder: Path) -> Path:
    """The lock's versions as constraints, so that this check is the same everywhere."""
    lines = [line.split(" \\")[0] for line in (ROOT / "requirements" / "dev.txt").read_text().splitlines()]
    constraints = folder / "constraints.txt"
    constraints.write_text(
        "\n".join(line for line in lines if "==" in line and not line.startswith((" ", "#")))
    )
    return constraints


def main() -> None:
    """Build, look inside, install bare, use."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wheel = build(folder)
        check_contents(wheel)
        venv.create(folder / "bare", with_pip=False)
        python = folder / "bare" / "bin" / "python"
        pip = (sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check")
        run(*pip, "install", "--quiet", "--constraint", pinned_base(folder), wheel, cwd=folder)
        version = run(python, "-W", "error", "-c", USE, cwd=folder).strip()
        told = subprocess.run(
            [folder / "bare/bin/railway-saas"], cwd=folder, capture_output=True, text=True, check=False
        )
        if "pip install 'railway-saas[cli]'" not in told.stderr:
            sys.exit(f"check_wheel: the bare command does not say what it needs: {told.stdout}{told.stderr}")
    print(f"wheel: railway_saas {version} installs bare and imports")


if __name__ == "__main__":
    main()
