"""Layers keep their values and slopes in one graph of `torch.compile`.

Run as a program, and so without the checks of shapes that tests put around each function: those are
python code, which no graph can hold.
"""

import subprocess
import sys

import torch
from torch.testing import assert_close

from gyrovox.nn import Gyroplane, GyroplaneConv3d, GyroplaneConvTranspose3d

WINDOW = {"stride": 2, "padding": 1, "dim": 2}


def layers(name):
    """The layers of a class, and the shape of their codes."""
    if name == "Gyroplane":
        return [Gyroplane(2, 4)], (3, 5, 2)
    convolution = {"conv": GyroplaneConv3d, "transpose": GyroplaneConvTranspose3d}[name]
    meanings = ("shared", "per_offset", "concatenated")
    return [convolution(4, 2, 3, **WINDOW, meaning=each) for each in meanings], (2, 4, 3, 4, 3)


def check_compiles(layer, shape):
    """Values and all gradients of the compiled layer are those of the layer."""
    torch.compiler.reset()
    compiled = torch.compile(layer, fullgraph=True, backend="aot_eager")
    outcomes = []
    for run in (layer, compiled):
        codes = torch.ones(shape, dtype=torch.float64).cumsum(1).div(3).requires_grad_()
        features = run(codes)
        slopes = torch.autograd.grad(
            features.square().sum(), (codes, *layer.parameters()), allow_unused=True
        )
        outcomes.append((features, *slopes))
    for ours, theirs in zip(*outcomes, strict=True):
        assert_close(theirs, ours)


def run_without_checks(name):
    """Check the layers of a class in a process of their own."""
    program = [sys.executable, __file__, name]
    outcome = subprocess.run(program, capture_output=True, text=True, check=False)
    assert not outcome.returncode, outcome.stderr


if __name__ == "__main__":
    torch.manual_seed(0)
    torch.set_num_threads(1)
    these, size = layers(sys.argv[1])
    for each in these:
        check_compiles(each.double(), size)
