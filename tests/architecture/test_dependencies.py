"""What is installed is what is used, and the pins know about it."""

import ast
import itertools
import re
import sys
import tomllib
from pathlib import Path

import gyrovox

PACKAGE = Path(gyrovox.__file__).parent
REPOSITORY = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
# Where a distribution is not called what it is imported as.
IMPORTED_AS = {
    "pyyaml": "yaml",
    "scikit-learn": "sklearn",
    "scikit-image": "skimage",
    "dask-jobqueue": "dask_jobqueue",
    "umap-learn": "umap",
}
# What only some users need is imported where it is used.
EXTRAS = ("cluster", "napari", "plot", "umap", "web")
# It reads the manifest of the plugin, for napari.
NEVER_IMPORTED = {"npe2"}


def _name(requirement: str) -> str:
    return re.split(r"[\s<>=!~\[;]", requirement, maxsplit=1)[0].lower()


def _pins(file: str) -> dict[str, str]:
    lines = (REPOSITORY / file).read_text(encoding="utf-8").splitlines()
    pairs = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {name.lower(): version for name, version in pairs}


def _imported() -> set[str]:
    names = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                names.add(node.module.split(".")[0])
    return names - set(sys.stdlib_module_names) - {"gyrovox"}


def test_the_package_requires_what_it_imports_and_nothing_else():
    extras = [PROJECT["optional-dependencies"][name] for name in EXTRAS]
    requirements = [*PROJECT["dependencies"], *itertools.chain(*extras)]
    required = {_name(requirement) for requirement in requirements} - NEVER_IMPORTED
    assert {IMPORTED_AS.get(name, name) for name in required} == _imported()


def test_every_requirement_is_pinned():
    groups = [PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()]
    names = {_name(requirement) for group in groups for requirement in group} - {"gyrovox"}
    assert names - set(_pins("constraints.txt")) == set()


def test_the_lowest_pins_are_the_lower_ends_of_the_ranges():
    extras = PROJECT["optional-dependencies"]
    requirements = [*PROJECT["dependencies"], *extras["bench"], *extras["cluster"]]
    lowest = {
        _name(requirement): requirement.split(">=")[1]
        for requirement in requirements
        if _name(requirement) != "torch"  # docs/decisions/0005
    }
    pins = _pins("constraints-lowest.txt")
    different = {
        name: (pins.get(name), version)
        for name, version in lowest.items()
        if not (pins.get(name, "") + ".").startswith(version + ".")
    }
    assert different == {}
