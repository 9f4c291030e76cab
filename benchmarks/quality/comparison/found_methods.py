"""The methods that there are: every class of every file in ``benchmarks/quality/methods``."""

import importlib
import importlib.util
import inspect
import pkgutil
from pathlib import Path
from types import ModuleType

from benchmarks.quality import methods
from benchmarks.quality.comparison.method import Method


def found_methods(extra: tuple[Path, ...] = ()) -> dict[str, type[Method]]:
    """All methods by name, in the order of the names.

    Args:
        extra: Files with methods that are not part of the repository.

    Returns:
        Name -> class.

    Raises:
        ValueError: If two have one name.
    """
    modules = [
        importlib.import_module(f"{methods.__name__}.{found.name}")
        for found in pkgutil.iter_modules(methods.__path__)
    ]
    modules += [_loaded(path) for path in extra]
    every: dict[str, type[Method]] = {}
    for module in modules:
        for one in vars(module).values():
            if not _is_method(one, module):
                continue
            if one.name in every:
                raise ValueError(
                    f"names of methods must differ, got {one.name!r} in {module.__name__} and in "
                    f"{every[one.name].__module__}."
                )
            every[one.name] = one
    return dict(sorted(every.items()))


def _is_method(one: object, module: ModuleType) -> bool:
    """Whether it is a whole method that this file itself defines."""
    return (
        isinstance(one, type)
        and issubclass(one, Method)
        and not inspect.isabstract(one)
        and "name" in vars(one)
        and one.__module__ == module.__name__
    )


def _loaded(path: Path) -> ModuleType:
    """The module in a file anywhere."""
    if not path.is_file():
        raise ValueError(f"a file with a method must exist, got {str(path)!r}.")
    plan = importlib.util.spec_from_file_location(path.stem, path)
    assert plan is not None
    assert plan.loader is not None
    module = importlib.util.module_from_spec(plan)
    plan.loader.exec_module(module)
    return module
