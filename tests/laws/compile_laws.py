"""Functions keep their values and slopes in one graph of `torch.compile`."""

import functools
import importlib.util
import itertools
import sys
import warnings
from pathlib import Path

import torch
from torch.testing import assert_close

import gyrovox.geometry


@functools.cache
def plain_geometry():
    """The package once more, as users have it: without the checks of shapes that tests put in.

    Those are python code around each function, which no graph can hold.
    """
    origin = Path(gyrovox.geometry.__file__)
    name = "geometry_without_checks"
    spec = importlib.util.spec_from_file_location(
        name, origin, submodule_search_locations=[str(origin.parent)]
    )
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def check_compiles(find, *calls, curvature, **options):
    """The function that `find` finds in the package compiles whole, forward and backward.

    Each call has its arguments, of the same shapes, so that one graph is for all. With a curvature
    that is learned and with one that is a number; backward is traced too.
    """
    function = find(plain_geometry())
    torch.compiler.reset()
    compiled = torch.compile(function, fullgraph=True, backend="aot_eager")
    learned = torch.tensor(curvature, dtype=torch.float64)
    for kappa, arguments in itertools.product((learned, curvature), calls):
        outcomes = []
        for run in (function, compiled):
            given = [argument.clone().requires_grad_() for argument in arguments]
            leaves = [*given]
            if kappa is learned:
                leaves.append(learned.clone().requires_grad_())
            with warnings.catch_warnings():
                # Torch's own tracer makes an instance of each Function, of which torch warns.
                warnings.filterwarnings(
                    "ignore", ".*should not be instantiated", DeprecationWarning
                )
                results = run(
                    *given, curvature=leaves[-1] if kappa is learned else kappa, **options
                )
            results = results if isinstance(results, tuple) else (results,)
            smooth = [result for result in results if result.requires_grad]
            slopes = torch.autograd.grad(
                sum(result.square().sum() for result in smooth), leaves, allow_unused=True
            )
            outcomes.append([*results, *slopes])
        eager, graph = outcomes
        for ours, theirs in zip(eager, graph, strict=True):
            assert_close(theirs, ours)
