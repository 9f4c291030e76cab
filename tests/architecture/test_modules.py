"""The package keeps the shape that docs/concepts/architecture.md promises."""

import ast
import functools
import re
from pathlib import Path

import pytest

import gyrovox

PACKAGE = Path(gyrovox.__file__).parent
TESTS = Path(__file__).resolve().parents[1]
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path.name != "__init__.py")
PACKAGES = sorted(PACKAGE.rglob("__init__.py"))
VAGUE = {"utils", "util", "helpers", "helper", "misc", "common", "tools", "base", "core", "stuff"}
BANNED_CALLS = {"hasattr", "eval", "exec", "print", "breakpoint"}
# Folders of tests that speak of no single module.
ACROSS = {"architecture", "browser", "docs", "laws", "benchmarks"}


def _name(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


@functools.cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _functions(tree: ast.Module) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [
        node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


@pytest.mark.parametrize("module", MODULES, ids=_name)
def test_a_module_has_a_telling_name_and_fits_on_a_few_screens(module):
    assert not VAGUE & set(module.stem.strip("_").split("_")), (
        "say what it holds, not that it helps"
    )
    lines = len(module.read_text(encoding="utf-8").splitlines())
    assert lines <= 400, "one concept per file"


@pytest.mark.parametrize("module", MODULES + PACKAGES, ids=_name)
def test_a_function_holds_one_idea(module):
    long = {
        node.name: node.end_lineno - node.lineno + 1
        for node in _functions(_tree(module))
        if node.end_lineno - node.lineno + 1 > 60
    }
    assert not long, "split what is longer than 60 lines"


@pytest.mark.parametrize("module", MODULES + PACKAGES, ids=_name)
def test_a_module_says_what_it_holds_and_leaves_nothing_open(module):
    text = module.read_text(encoding="utf-8")
    assert ast.get_docstring(_tree(module)), "the first line says what the module holds"
    assert not re.search(r"\b(TODO|FIXME|XXX|HACK)\b", text), "it is an issue or it is nothing"
    assert "raise NotImplementedError" not in text, "an abstract method says so with abc"


@pytest.mark.parametrize("module", MODULES + PACKAGES, ids=_name)
def test_no_call_hides_what_is_called(module):
    calls = [
        node
        for node in ast.walk(_tree(module))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    ]
    banned = {(node.func.id, node.lineno) for node in calls if node.func.id in BANNED_CALLS}
    # A dataclass may walk over its own fields; nothing may be looked up by name elsewhere.
    by_name = {
        ("getattr", node.lineno)
        for node in calls
        if node.func.id == "getattr"
        and not isinstance(node.args[1], ast.Constant)
        and ast.unparse(node.args[0]) != "self"
    }
    assert not banned | by_name


@pytest.mark.parametrize("module", MODULES, ids=_name)
def test_annotations_of_tensors_can_be_checked(module):
    # Postponed annotations are strings, and jaxtyping's import hook then checks nothing.
    text = module.read_text(encoding="utf-8")
    assert not ("jaxtyping" in text and "from __future__ import annotations" in text)


def _is_dataclass(node: ast.expr) -> bool:
    called = node.func if isinstance(node, ast.Call) else node
    return (isinstance(called, ast.Name) and called.id == "dataclass") or (
        isinstance(called, ast.Attribute) and called.attr == "dataclass"
    )


@pytest.mark.parametrize("module", MODULES, ids=_name)
def test_values_that_travel_are_frozen(module):
    loose = [
        node.name
        for node in ast.walk(_tree(module))
        if isinstance(node, ast.ClassDef)
        for mark in node.decorator_list
        if _is_dataclass(mark) and "frozen=True" not in ast.unparse(mark)
    ]
    assert not loose, "write @dataclass(frozen=True)"


def _classes() -> dict[str, ast.ClassDef]:
    return {
        node.name: node
        for module in MODULES
        for node in ast.walk(_tree(module))
        if isinstance(node, ast.ClassDef)
    }


def _is_abstract(node: ast.ClassDef) -> bool:
    text = ast.unparse(node)
    return "abstractmethod" in text or any(
        ast.unparse(base).split("[")[0].split(".")[-1] in {"ABC", "Protocol"} for base in node.bases
    )


def test_a_class_is_abstract_or_final():
    classes = {name: node for name, node in _classes().items() if not name.endswith("Error")}
    inherited = {
        ast.unparse(base).split("[")[0].split(".")[-1]
        for node in classes.values()
        for base in node.bases
    }
    concrete = {name for name, node in classes.items() if not _is_abstract(node)}
    assert not inherited & concrete, "make the parent abstract, or compose"


def test_tests_mirror_the_package():
    wanted = {
        Path(path.parent.relative_to(PACKAGE), f"test_{path.stem.lstrip('_')}.py")
        for path in MODULES
    }
    found = {
        path.relative_to(TESTS)
        for path in TESTS.rglob("test_*.py")
        if path.relative_to(TESTS).parts[0] not in ACROSS
    }
    assert sorted(map(str, wanted - found)) == [], "modules without a test"
    assert sorted(map(str, found - wanted)) == [], "tests without a module"
    assert not list(TESTS.rglob("__init__.py")), "importmode=importlib needs no packages of tests"
