"""`from railway_saas.railway.models import ...` finds every model, and loads only what is asked for."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import subprocess
import sys

import pytest

from railway_saas.railway import models


def defined_in_modules() -> dict[str, type]:
    return {
        name: value
        for found in pkgutil.iter_modules(models.__path__)
        for module in [importlib.import_module(f"{models.__name__}.{found.name}")]
        for name, value in vars(module).items()
        if inspect.isclass(value) and value.__module__ == module.__name__ and not name.startswith("_")
    }


def test_every_public_class_of_the_modules_is_exported_and_nothing_else() -> None:
    assert sorted(models.__all__) == sorted(defined_in_modules())


@pytest.mark.parametrize("name", models.__all__)
def test_exported_name_is_the_class_of_that_name(name: str) -> None:
    assert getattr(models, name) is defined_in_modules()[name]


def test_a_name_that_does_not_exist_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = models.Nothing  # type: ignore[attr-defined]


def test_names_are_offered_for_completion() -> None:
    assert set(models.__all__) <= set(dir(models))


def test_one_model_does_not_load_the_others() -> None:
    code = (
        "import sys; from railway_saas.railway.models import Region; "
        "print([name for name in sys.modules if name.startswith('railway_saas.railway.models.')])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = run.stdout
    assert "models.regions" in loaded
    assert "models.templates" not in loaded
    assert "models.usage" not in loaded
