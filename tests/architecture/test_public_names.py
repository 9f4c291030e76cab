"""What a package's `__init__` gives out is explicit and documented."""

import ast
import functools
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import gyrovox

PACKAGE = Path(gyrovox.__file__).parent
PACKAGES = sorted(path.parent for path in PACKAGE.rglob("__init__.py"))
MOST_NAMES_AT_THE_TOP = 12


@functools.cache
def _tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


class Public(NamedTuple):
    package: str
    name: str
    node: ast.stmt | None


def _definition(module: Path, name: str) -> ast.stmt | None:
    """Where `name` is defined, followed through re-exports of this package; None for a constant."""
    file = (
        module.with_suffix(".py") if module.with_suffix(".py").is_file() else module / "__init__.py"
    )
    for node in _tree(file).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name:
            return node
        if isinstance(node, ast.ImportFrom) and node.module and node.level <= 1:
            for alias in node.names:
                if (alias.asname or alias.name) == name:
                    start = file.parent if node.level else PACKAGE.parent
                    return _definition(start.joinpath(*node.module.split(".")), alias.name)
    return None


def _is_own(node: ast.stmt) -> bool:
    """Whether a statement re-exports something of this package: `from .a import` or in full."""
    return isinstance(node, ast.ImportFrom) and (
        node.level == 1 or (node.module or "").split(".")[0] == "gyrovox"
    )


def _public() -> Iterator[Public]:
    for package in PACKAGES:
        for node in _tree(package / "__init__.py").body:
            if isinstance(node, ast.ImportFrom) and _is_own(node) and node.module:
                for alias in node.names:
                    start = package if node.level else PACKAGE.parent
                    module = start.joinpath(*node.module.split("."))
                    yield Public(package.name, alias.name, _definition(module, alias.name))


PUBLIC = list(_public())
IDS = [f"{public.package}.{public.name}" for public in PUBLIC]


def _parameters(node: ast.FunctionDef) -> list[str]:
    arguments = node.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return [argument.arg for argument in every if argument.arg not in {"self", "cls"}]


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_re_exports_are_explicit(package):
    for node in _tree(package / "__init__.py").body:
        if _is_own(node):
            assert all(alias.asname == alias.name for alias in node.names), (
                "write `from .module import name as name`"
            )


@pytest.mark.parametrize("public", PUBLIC, ids=IDS)
def test_a_public_name_is_documented(public):
    if not isinstance(public.node, ast.FunctionDef | ast.ClassDef):
        return
    text = ast.get_docstring(public.node) or ""
    assert text, f"{public.name} needs a docstring that says what it is"
    if isinstance(public.node, ast.FunctionDef):
        missing = [name for name in _parameters(public.node) if f"\n    {name}" not in text]
        assert not missing, f"the Args of {public.name} must name every parameter"
        returns = public.node.returns
        if returns is not None and ast.unparse(returns) not in {"None", "Never", "NoReturn"}:
            assert "Returns:" in text or "Yields:" in text


def test_the_top_level_is_small():
    assert len([name for name in dir(gyrovox) if not name.startswith("_")]) <= MOST_NAMES_AT_THE_TOP
