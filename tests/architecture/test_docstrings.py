"""Every public name of the hyperbolic core says its shapes, its errors and its source."""

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import gyrovox

PACKAGE = Path(gyrovox.__file__).parent
CORE = ("geometry", "distributions", "nn")
MODULES = sorted(
    path for name in CORE for path in (PACKAGE / name).glob("*.py") if path.name != "__init__.py"
)
# torch says what these take and give; the class says what they compute.
HOOKS_OF_TORCH = {"forward", "extra_repr"}
SHAPE = re.compile(r"\bshape\b|``\(")


class Documented(NamedTuple):
    name: str
    module: Path
    node: ast.FunctionDef | ast.ClassDef | ast.Module

    @property
    def text(self) -> str:
        return ast.get_docstring(self.node) or ""

    @property
    def parameters(self) -> dict[str, str]:
        """Names and annotations."""
        arguments = self.node.args
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        return {
            each.arg: ast.unparse(each.annotation)
            for each in every
            if each.annotation is not None and not each.arg.startswith("_")
        }

    def section(self, title: str) -> str:
        """What stands below a heading like ``Args:``, up to the next heading."""
        found = re.search(rf"^{title}:\n((?:    .*\n?|\n)*)", self.text + "\n", re.MULTILINE)
        return found.group(1) if found else ""

    def entry(self, parameter: str) -> str:
        """What ``Args:`` says of a parameter."""
        pattern = rf"^    {parameter}: (.*(?:\n     +.*)*)"
        found = re.search(pattern, self.section("Args"), re.MULTILINE)
        return found.group(1) if found else ""


@functools.cache
def _tree(module: Path) -> ast.Module:
    return ast.parse(module.read_text(encoding="utf-8"))


def _public(body: list[ast.stmt]) -> Iterator[ast.FunctionDef | ast.ClassDef]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            yield node


def _overloads(node: ast.FunctionDef) -> bool:
    return any(ast.unparse(mark) == "overload" for mark in node.decorator_list)


def _documented() -> Iterator[Documented]:
    for module in MODULES:
        tree = _tree(module)
        yield Documented(f"{module.parent.name}.{module.stem}", module, tree)
        for node in _public(tree.body):
            name = f"{module.parent.name}.{module.stem}.{node.name}"
            if isinstance(node, ast.ClassDef):
                yield Documented(name, module, node)
                for method in _public(node.body):
                    yield Documented(f"{name}.{method.name}", module, method)
            elif not _overloads(node):
                yield Documented(name, module, node)


ALL = list(_documented())
FUNCTIONS = [each for each in ALL if isinstance(each.node, ast.FunctionDef)]
# A method that an abstract class documents means the same in its children.
ABSTRACT = {
    each.node.name
    for each in FUNCTIONS
    if any("abstractmethod" in ast.unparse(mark) for mark in each.node.decorator_list)
}
SPOKEN_FOR = HOOKS_OF_TORCH | ABSTRACT


def _takes_and_gives(each: Documented) -> bool:
    return bool(each.text) or each.node.name not in SPOKEN_FOR


each_name = pytest.mark.parametrize("each", ALL, ids=lambda each: each.name)
each_function = pytest.mark.parametrize(
    "each", [each for each in FUNCTIONS if _takes_and_gives(each)], ids=lambda each: each.name
)


@each_name
def test_a_public_name_says_what_it_is(each):
    inherited = isinstance(each.node, ast.FunctionDef) and each.node.name in SPOKEN_FOR
    assert each.text or inherited


@each_function
def test_every_parameter_is_described_and_every_tensor_has_its_shape(each):
    for name, annotation in each.parameters.items():
        assert each.entry(name), f"Args must describe {name}"
        if "Tensor" in annotation and "..." not in annotation and '""' not in annotation:
            assert SHAPE.search(each.entry(name)), f"Args must give the shape of {name}"


@each_function
def test_what_is_returned_is_described_with_its_shape(each):
    returned = ast.unparse(each.node.returns)
    if returned == "None":
        return
    # A property is what its first line says.
    is_property = any(ast.unparse(mark) == "property" for mark in each.node.decorator_list)
    text = each.text if is_property else each.section("Returns")
    assert text, "Returns must say what comes back"
    if "Tensor" in returned:
        assert SHAPE.search(text), "Returns must give the shape"


@each_function
def test_a_curvature_that_is_none_is_an_error_that_is_documented(each):
    # By the function, or once for a module whose functions all take a curvature.
    if each.parameters.get("curvature") == "Curvature":
        module = ast.get_docstring(_tree(each.module))
        said = f"{each.text} {module}"
        assert "ValueError" in said or "not checked here" in said


@each_name
def test_a_formula_has_a_source(each):
    if ".. math::" in each.text:
        assert re.search(r"Source:\n", each.text)
