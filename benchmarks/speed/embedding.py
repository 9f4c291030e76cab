"""Codes of every voxel, densely and patch by patch: ``python -m benchmarks.speed.embedding``.

The same volume by `default`, densely; by the published network literally, one patch after another
or 128 at once; and by the published network with what patches share computed once. The published
network would take minutes, so it is timed on some of the voxels and its rate is extrapolated.

The roof above the dense embedding is what the machine does of the same arithmetic where nothing is
in its way: a product of matrices, and the convolution of `default`'s largest layer.
"""

import argparse
from collections.abc import Callable, Sequence

import torch

from benchmarks.speed.interleaved import RESULTS, Table, compare
from gyrovox.inference import embed_dense, embed_patchwise
from gyrovox.models import DenseEncoder, HyperbolicVAE, PatchEncoder
from gyrovox.patches import Cubes, resize_cubes
from gyrovox.settings import CATALOGUE
from gyrovox.volumes.phantom_cell import cell_phantom

TARGET = 300_000
"""Voxels a second that dense embedding is to reach on 2 cores."""

DENSE = "`default`, dense"
FOLDED = "`paper`, shared and folded"
LITERAL = "`paper`, literal, 128 patches at once"
SINGLE = "`paper`, literal, patch by patch"
PRODUCT = "product of matrices"
CONVOLUTION = "convolution of 32 filters"

_SIDE = 512  # of the matrices, and 54 of the cube that is convolved: both stay in the cache
_CUBE = 54


def encoder(name: str) -> DenseEncoder | PatchEncoder:
    """The untrained encoder of a named configuration: its speed does not depend on its weights."""
    torch.manual_seed(0)
    return HyperbolicVAE(CATALOGUE[name].model, in_channels=1).encoder.eval()


def literal(
    network: PatchEncoder, voxels: torch.Tensor, count: int, side: int, batch: int
) -> torch.Tensor:
    """Codes of ``count`` voxels in the middle, each from its own patch; voxels (1, z, y, x)."""
    place = torch.cartesian_prod(*(torch.arange(side, size - side) for size in voxels.shape[1:]))
    start = (place[:count] - side // 2).float()
    found = []
    with torch.inference_mode():
        for some in start.split(batch):
            cubes = Cubes(some, torch.full((len(some),), float(side)))
            found.append(network(resize_cubes(voxels, cubes, network.patch_size)).mean_code)
    return torch.cat(found)


def arithmetic(network: DenseEncoder) -> int:
    """Floating-point operations that one code takes: a product and a sum for every weight."""
    layers = [*network.convolutions, network.head]
    return 2 * sum(layer.get_parameter("weight").numel() for layer in layers)


def roof(repeats: int) -> dict[str, float]:
    """What this machine does, in operations per second: medians over interleaved rounds."""
    left, right = torch.randn(2, _SIDE, _SIDE)
    last = torch.channels_last_3d
    cube = torch.randn(1, 32, *[_CUBE] * 3).contiguous(memory_format=last)
    taps = torch.randn(32, 32, 3, 3, 3).contiguous(memory_format=last)
    operations = {PRODUCT: 2 * _SIDE**3, CONVOLUTION: 2 * taps.numel() * (_CUBE - 2) ** 3}
    with torch.inference_mode():
        table = compare(
            {
                PRODUCT: lambda: left @ right,
                CONVOLUTION: lambda: torch.nn.functional.conv3d(cube, taps),
            },
            repeats=repeats,
            baseline=PRODUCT,
        )
    return {row.name: operations[row.name] / row.median_s for row in table.rows}


def measure(side: int, count: int, repeats: int) -> tuple[Table, dict[str, int]]:
    """Times of the three on a volume of side^3 voxels, and how many voxels each embedded."""
    phantom = cell_phantom(0, shape=(max(side, 50),) * 3).image
    voxels = torch.from_numpy(phantom[:side, :side, :side].copy())[None]
    part, few = voxels[:, :20, :20, :20], -(-count // 4)
    dense, published = encoder("default"), encoder("paper")
    cube = CATALOGUE["paper"].training.embed_side
    if not isinstance(dense, DenseEncoder) or not isinstance(published, PatchEncoder):
        raise TypeError("`default` must have a dense encoder, and `paper` a patch encoder.")
    competitors: dict[str, Callable[[], object]] = {
        DENSE: lambda: embed_dense(dense, voxels),
        FOLDED: lambda: embed_patchwise(published, part, side=cube),
        LITERAL: lambda: literal(published, voxels, count, cube, 128),
        SINGLE: lambda: literal(published, voxels, few, cube, 1),
    }
    return compare(competitors, repeats=repeats, baseline=DENSE), {
        DENSE: side**3,
        FOLDED: part.numel(),
        LITERAL: count,
        SINGLE: few,
    }


def report(side: int, count: int, repeats: int, threads: Sequence[int]) -> str:
    """The whole page."""
    lines = [
        f"# Embedding every voxel of {side}^3",
        "",
        "Written by `python -m benchmarks.speed.embedding`. One channel, float32, torch "
        f"{torch.__version__.split('+')[0]}; {repeats} interleaved rounds. `paper`, the "
        "published network, is timed on as many of the voxels as are named, and its rate is taken "
        "to hold for all of them.",
        "",
        "| encoder | threads | voxels | seconds, median | voxels/s, median | voxels/s, best |",
        "|---|---|---|---|---|---|",
    ]
    notes = []
    for number in threads:
        torch.set_num_threads(number)
        table, voxels = measure(side, count, repeats)
        for row in table.rows:
            embedded = voxels[row.name]
            lines.append(
                f"| {row.name} | {number} | {embedded:,} | {row.median_s:.3f} | "
                f"{embedded / row.median_s:,.0f} | {embedded / row.fastest_s:,.0f} |"
            )
        rates = {row.name: voxels[row.name] / row.median_s for row in table.rows}
        notes.append(
            f"- {number} thread(s): dense embedding is {rates[DENSE] / rates[SINGLE]:,.0f} times "
            f"as fast as the published network patch by patch, and {rates[DENSE] / TARGET:.1f} "
            f"times the target of {TARGET:,} voxels/s, which is set for 2 cores."
        )
        done = rates[DENSE] * arithmetic(encoder("default"))
        shares = [
            f"{done / rate:.0%} of a {name} ({rate / 1e9:.0f})"
            for name, rate in roof(repeats).items()
        ]
        notes.append(
            f"- {number} thread(s): dense embedding does {done / 1e9:.0f} GFLOP/s, halos not "
            f"counted: {' and '.join(shares)}."
        )
    return "\n".join([*lines, "", *notes]) + "\n"


def main(smoke: bool) -> None:
    """Measure, print and write the page; with `smoke`, run every line, small, and write nothing."""
    if smoke:
        print(report(side=12, count=2, repeats=2, threads=[1]))
        return
    page = report(side=50, count=256, repeats=9, threads=[1, 2])
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "embedding.md").write_text(page, encoding="utf-8")
    print(page)


def parse(arguments: Sequence[str] | None = None) -> bool:
    """Whether `--smoke` was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--smoke", action="store_true", help="run once, small, and write nothing")
    return bool(parser.parse_args(arguments).smoke)


if __name__ == "__main__":
    main(parse())
