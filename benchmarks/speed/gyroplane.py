"""Gyroplane layers beside the Euclidean layers they replace, in one interleaved run.

    python -m benchmarks.speed.gyroplane [--smoke]

Ratios are medians over rounds of the ratios within a round (`benchmarks.speed.interleaved`).
"""

import argparse
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from benchmarks.speed.interleaved import RESULTS, compare
from gyrovox.geometry import poincare
from gyrovox.nn import Gyroplane, GyroplaneConv3d


class LiteralGyroplane(nn.Module):
    """The same layer by its definition: one Möbius addition per code and plane."""

    def __init__(self, twin: Gyroplane) -> None:
        super().__init__()
        self.twin = twin

    def forward(self, codes: Tensor) -> Tensor:
        size = self.twin.weight.norm(dim=-1)
        direction = self.twin.weight / size.unsqueeze(-1)
        plane = poincare.exp_origin(self.twin.offset.unsqueeze(-1) * direction)
        seen = poincare.mobius_add(-plane, poincare.exp_origin(codes).unsqueeze(-2))
        height = 2 * (seen * direction).sum(-1) / (1 - seen.square().sum(-1))
        return 2 * size * torch.asinh(height)


def rows(layers: dict[str, nn.Module], given: Tensor, repeats: int) -> list[str]:
    """Table rows: forward alone, and forward with backward, against the first layer."""

    def forward(layer: nn.Module) -> Callable[[], object]:
        def run() -> None:
            with torch.inference_mode():
                layer(given)

        return run

    def both(layer: nn.Module) -> Callable[[], object]:
        codes = given.clone().requires_grad_()
        weight = torch.ones_like(layer(given).detach())
        return lambda: layer(codes).backward(weight)

    baseline = next(iter(layers))
    tables = [
        compare(
            {name: make(layer) for name, layer in layers.items()},
            repeats=repeats,
            baseline=baseline,
        )
        for make in (forward, both)
    ]
    return [
        f"| {one.name} | {1e3 * one.median_s:.1f} | {one.ratio:.1f} | "
        f"{1e3 * two.median_s:.1f} | {two.ratio:.1f} |"
        for one, two in zip(tables[0].rows, tables[1].rows, strict=True)
    ]


def report(codes: int, side: int, repeats: int) -> str:
    """The whole page."""
    torch.manual_seed(0)
    gyroplane = Gyroplane(2, 64)
    dense: dict[str, nn.Module] = {
        "nn.Linear": nn.Linear(2, 64),
        "nn.Linear + ReLU": nn.Sequential(nn.Linear(2, 64), nn.ReLU()),
        "Gyroplane": gyroplane,
        "gyroplane, literal": LiteralGyroplane(gyroplane),
    }
    convolutions: dict[str, nn.Module] = {
        "nn.Conv3d": nn.Conv3d(2, 16, 3, padding=1),
        "GyroplaneConv3d": GyroplaneConv3d(2, 16, 3, padding=1),
    }
    head = [
        "| layer | forward, ms | × first | with backward, ms | × first |",
        "|---|---|---|---|---|",
    ]
    lines = [
        "# Gyroplane layers against the Euclidean layers they replace",
        "",
        "Written by `python -m benchmarks.speed.gyroplane`. Medians over "
        f"{repeats} interleaved rounds, threads: {torch.get_num_threads()}, float32, "
        f"torch {torch.__version__.split('+')[0]}.",
        "",
        f"{codes:,} codes, 2 → 64:",
        "",
        *head,
        *rows(dense, torch.randn(codes, 2), repeats),
        "",
        f"A volume of {side}^3 codes, 2 → 16 channels, kernel 3, padding 1:",
        "",
        *head,
        *rows(convolutions, torch.randn(1, 2, side, side, side), repeats),
        "",
    ]
    return "\n".join(lines)


def main(smoke: bool) -> None:
    """Measure, print and write the page; with `smoke`, run every line, small, and write nothing."""
    if smoke:
        print(report(codes=100, side=4, repeats=2))
        return
    page = report(codes=100_000, side=32, repeats=15)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "gyroplane.md").write_text(page, encoding="utf-8")
    print(page)


def parse(arguments: Sequence[str] | None = None) -> bool:
    """Whether `--smoke` was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--smoke", action="store_true", help="run once, small, and write nothing")
    return bool(parser.parse_args(arguments).smoke)


if __name__ == "__main__":
    main(parse())
