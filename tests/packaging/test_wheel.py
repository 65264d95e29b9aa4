"""The wheel has the application in it, and the installed checkout has no copy of its own."""

from __future__ import annotations

import zipfile
from pathlib import Path

from hatchling.builders.wheel import WheelBuilder

from quantum_pipeline.local.braket.bootstrap import Ours
from quantum_pipeline.local.places import APPLICATION, INSTALLED

ROOT = Path(__file__).parents[2]
IN_WHEEL = "quantum_pipeline/local/application"


def built(folder: Path, version: str) -> set[str]:
    """Return the names of the files in a wheel of this version, standard or editable."""
    (wheel,) = WheelBuilder(str(ROOT)).build(directory=str(folder), versions=[version])
    return set(zipfile.ZipFile(wheel).namelist())


def test_template_functions_and_state_machines_travel_in_the_wheel(tmp_path: Path) -> None:
    names = built(tmp_path, "standard")
    there = {name.removeprefix(f"{IN_WHEEL}/") for name in names if name.startswith(IN_WHEEL)}
    wanted = [*ROOT.glob("functions/*.py"), *ROOT.glob("statemachine/*.json")]
    assert there == {"template.yaml", *(str(each.relative_to(ROOT)) for each in wanted)}
    assert "hybrid_job/main.py" in names


def test_a_checkout_that_is_installed_is_used_itself(tmp_path: Path) -> None:
    assert not any(name.endswith((".py", ".yaml")) for name in built(tmp_path, "editable"))
    assert (INSTALLED, APPLICATION) == (False, ROOT)


def test_a_job_imports_the_code_that_it_was_given(tmp_path: Path) -> None:
    package = tmp_path / "hybrid_job"
    package.mkdir()
    (package / "__init__.py").touch()
    found = Ours(tmp_path).find_spec("hybrid_job")
    assert found is not None and found.origin == str(package / "__init__.py")
    assert Ours(tmp_path).find_spec("numpy") is None
