"""Gyroplane layers beside the Euclidean layers they replace, each group in one interleaved run.

    python -m benchmarks.speed.gyroplane [--smoke] [--threads 2] [--device cuda]

Ratios are medians over rounds of the ratios within a round (`benchmarks.speed.interleaved`).
geoopt takes part where it is installed.
"""

import argparse
import importlib.util
import warnings
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile

from benchmarks.speed.interleaved import RESULTS, Table, compare
from gyrovox.geometry import poincare
from gyrovox.nn import Gyroplane, GyroplaneConv3d, GyroplaneConvTranspose3d

# Codes that the forms with a tensor (codes, planes, dim) take at a time: they would fill the
# memory otherwise. Smaller tensors are, if anything, to their advantage.
PART = 2**16
MEANINGS = ("concatenated", "shared", "per_offset")
HEAD = [
    "| layer | × of | forward, ms | × | with backward, ms | × | peak memory, MiB |",
    "|---|---|---|---|---|---|---|",
]


class Competitor(NamedTuple):
    """A layer, and how many codes it takes at a time."""

    layer: nn.Module
    at_once: int | None = None


class LiteralGyroplane(nn.Module):
    """The same layer by its definition: one Möbius addition per code and plane."""

    def __init__(self, twin: Gyroplane) -> None:
        super().__init__()
        self.twin = twin

    def gyroplanes(self) -> tuple[Tensor, Tensor, Tensor]:
        """Points on the gyroplanes, unit normals there, and factors."""
        size = self.twin.weight.norm(dim=-1)
        direction = self.twin.weight / size.unsqueeze(-1)
        return poincare.exp_origin(self.twin.offset.unsqueeze(-1) * direction), direction, 2 * size

    def forward(self, codes: Tensor) -> Tensor:
        points, direction, factor = self.gyroplanes()
        seen = poincare.mobius_add(-points, poincare.exp_origin(codes).unsqueeze(-2))
        height = 2 * (seen * direction).sum(-1) / (1 - seen.square().sum(-1))
        return factor * torch.asinh(height)


class GeooptGyroplane(LiteralGyroplane):
    """The same layer by geoopt's signed distance to planes."""

    def __init__(self, twin: Gyroplane) -> None:
        super().__init__(twin)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from geoopt.manifolds.stereographic import math
        self.distance = math.dist2plane

    def forward(self, codes: Tensor) -> Tensor:
        points, direction, factor = self.gyroplanes()
        ball = poincare.exp_origin(codes).unsqueeze(-2)
        curvature = torch.tensor(-1.0)
        return factor * self.distance(ball, points, direction, k=curvature, signed=True)


def forward(competitor: Competitor, given: Tensor) -> Callable[[], object]:
    """The layer alone, as in inference."""

    def run() -> None:
        with torch.inference_mode():
            for part in given.split(competitor.at_once or len(given)):
                competitor.layer(part)

    return run


def both(competitor: Competitor, given: Tensor) -> Callable[[], object]:
    """The layer, and its gradients in the codes and the parameters."""
    codes = given.clone()
    parts = [
        part.detach().requires_grad_() for part in codes.split(competitor.at_once or len(codes))
    ]
    with torch.no_grad():
        shape = competitor.layer(parts[0][:1]).shape[1:]
    weight = torch.ones(len(parts[0]), *shape, device=given.device)

    def run() -> None:
        for part in parts:
            competitor.layer(part).backward(weight[: len(part)])

    return run


def peak_mib(run: Callable[[], object]) -> float:
    """Most memory that a call holds at once, over what was held before, in MiB."""
    if torch.cuda.is_initialized():
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        run()
        return (torch.cuda.max_memory_allocated() - before) / 2**20
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as record:
        run()
    held = most = 0
    for event in record.profiler.kineto_results.events():
        if event.name() == "[memory]":
            held += event.nbytes()
            most = max(most, held)
    return most / 2**20


def rows(layers: dict[str, Competitor], given: Tensor, repeats: int) -> list[str]:
    """Table rows: forward alone, and forward with backward, against the first layer."""
    baseline = next(iter(layers))
    for one in layers.values():
        one.layer.to(given.device)

    def table(make: Callable[[Competitor, Tensor], Callable[[], object]]) -> Table:
        runs = {name: make(layer, given) for name, layer in layers.items()}
        return compare(runs, repeats=repeats, baseline=baseline)

    alone, whole = table(forward), table(both)
    return [
        f"| {one.name} | {baseline} | {1e3 * one.median_s:.1f} | {one.ratio:.1f} | "
        f"{1e3 * two.median_s:.1f} | {two.ratio:.1f} | "
        f"{peak_mib(both(layers[one.name], given)):.0f} |"
        for one, two in zip(alone.rows, whole.rows, strict=True)
    ]


def dense() -> dict[str, Competitor]:
    """``nn.Linear``, and gyroplanes in several forms."""
    gyroplane = Gyroplane(2, 64)
    layers = {
        "nn.Linear": Competitor(nn.Linear(2, 64)),
        "nn.Linear + ReLU": Competitor(nn.Sequential(nn.Linear(2, 64), nn.ReLU())),
        "Gyroplane": Competitor(gyroplane),
        "gyroplane, literal": Competitor(LiteralGyroplane(gyroplane), PART),
    }
    if importlib.util.find_spec("geoopt"):
        layers["gyroplane, geoopt"] = Competitor(GeooptGyroplane(gyroplane), PART)
    return layers


def convolutions() -> dict[str, Competitor]:
    """``nn.Conv3d`` and the three meanings."""
    ours = {
        f"GyroplaneConv3d, {meaning}": Competitor(
            GyroplaneConv3d(2, 16, 3, padding=1, meaning=meaning)
        )
        for meaning in MEANINGS
    }
    return {"nn.Conv3d": Competitor(nn.Conv3d(2, 16, 3, padding=1))} | ours


def transposed_convolutions() -> dict[str, Competitor]:
    """``nn.ConvTranspose3d`` and the three meanings."""
    ours = {
        f"GyroplaneConvTranspose3d, {meaning}": Competitor(
            GyroplaneConvTranspose3d(2, 16, 4, 2, 1, meaning=meaning)
        )
        for meaning in MEANINGS
    }
    return {"nn.ConvTranspose3d": Competitor(nn.ConvTranspose3d(2, 16, 4, 2, 1))} | ours


def report(codes: int, side: int, repeats: int, where: torch.device) -> str:
    """The whole page."""
    torch.manual_seed(0)
    on = "a GPU" if where.type == "cuda" else f"threads: {torch.get_num_threads()}"
    lines = [
        "# Gyroplane layers against the Euclidean layers they replace",
        "",
        "Written by `python -m benchmarks.speed.gyroplane`. Medians over "
        f"{repeats} interleaved rounds, {on}, float32, "
        f"torch {torch.__version__.split('+')[0]}. Ratios are to the layer in the second column, "
        "within a round. Memory is the most that forward and backward hold at once.",
        "",
        f"Full layers: {codes:,} codes, 2 → 64; literal and geoopt {PART:,} at a time. "
        f"Convolutions: {side}^3 codes, 2 → 16, kernel 3, padding 1. "
        f"Transposed: {side // 2}^3 codes, 2 → 16, kernel 4, stride 2, padding 1.",
        "",
        *HEAD,
        *rows(dense(), torch.randn(codes, 2, device=where), max(2, repeats // 3)),
        *rows(convolutions(), torch.randn(1, 2, *[side] * 3, device=where), repeats),
        *rows(
            transposed_convolutions(), torch.randn(1, 2, *[side // 2] * 3, device=where), repeats
        ),
        "",
    ]
    return "\n".join(lines)


def main(smoke: bool, threads: int, device: str) -> None:
    """Measure, print and write the page; with `smoke`, run every line, small, and write nothing."""
    torch.set_num_threads(threads)
    if smoke:
        print(report(codes=100, side=4, repeats=2, where=torch.device(device)))
        return
    where = torch.device(device)
    page = report(codes=1_000_000, side=32, repeats=15, where=where)
    RESULTS.mkdir(exist_ok=True)
    name = "gyroplane-gpu.md" if where.type == "cuda" else "gyroplane.md"
    (RESULTS / name).write_text(page, encoding="utf-8")
    print(page)


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--smoke", action="store_true", help="run once, small, and write nothing")
    parser.add_argument("--threads", type=int, default=2, help="threads that torch may use")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    asked = parse()
    main(asked.smoke, asked.threads, asked.device)
