"""Embedding and training on a GPU beside its machine's CPU: ``python -m benchmarks.speed.gpu``.

What computes is what computes on a CPU: the same calls, on tensors that live elsewhere.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch

from benchmarks.speed.embedding import DENSE, FOLDED, arithmetic, encoder, literal
from benchmarks.speed.interleaved import RESULTS, compare, seconds
from gyrovox.devices import device
from gyrovox.inference import embed_dense, embed_patchwise
from gyrovox.inference.dense import TILE
from gyrovox.models import HyperbolicVAE
from gyrovox.settings import CATALOGUE, Precision
from gyrovox.training import train
from gyrovox.volumes.phantom_cell import cell_phantom

CPU_THREADS = 2
PRECISIONS: tuple[Precision, ...] = ("float32", "bfloat16")
_SIDE = 8192  # of the matrices whose product is the roof


@dataclass(frozen=True)
class Sizes:
    """How much is computed.

    Args:
        side: Voxels along each side of the volume that a GPU embeds.
        part: Of the part of it that the CPU does, and the published network.
        patches: That the published network is given at once.
        steps: Of training, on the GPU; the CPU makes a twentieth.
        repeats: Interleaved rounds.
        trained: Configurations to train.
    """

    side: int
    part: int
    patches: int
    steps: int
    repeats: int
    trained: tuple[str, ...] = ("default", "paper")


FULL = Sizes(side=256, part=64, patches=2048, steps=100, repeats=3)
SMALL = Sizes(side=16, part=16, patches=1, steps=1, repeats=2, trained=("default",))


def embedding(sizes: Sizes, where: torch.device) -> list[str]:
    """Table rows: voxels a second of `default` and `paper`, on both devices."""
    side, part, patches = sizes.side, sizes.part, sizes.patches
    voxels = torch.randn(1, *[side] * 3, generator=torch.Generator().manual_seed(0))
    there = voxels.to(where)
    dense, published = encoder("default"), encoder("paper")
    far, far_published = encoder("default").to(where), encoder("paper").to(where)
    cube = CATALOGUE["paper"].training.embed_side
    few = voxels[:, :part, :part, :part]
    runs: dict[str, tuple[Callable[[], object], int]] = {
        f"{DENSE}, GPU": (lambda: embed_dense(far, there), side**3),
        f"{DENSE}, GPU, tiles of {TILE}": (lambda: embed_dense(far, there, tile=TILE), side**3),
        f"{FOLDED}, GPU": (
            lambda: embed_patchwise(far_published, few.to(where), side=cube),
            part**3,
        ),
        f"`paper`, literal, {patches} patches at once, GPU": (
            lambda: literal(far_published, there, patches, cube, patches),
            patches,
        ),
        f"{DENSE}, CPU": (lambda: embed_dense(dense, few), part**3),
        f"{FOLDED}, CPU": (
            lambda: embed_patchwise(published, few[:, :16, :16, :16], side=cube),
            16**3,
        ),
    }
    baseline = f"{DENSE}, GPU"
    table = compare(
        {name: run for name, (run, _) in runs.items()}, repeats=sizes.repeats, baseline=baseline
    )
    rates = {row.name: runs[row.name][1] / row.median_s for row in table.rows}
    done = arithmetic(far) * max(rates[one] for one in rates if one.startswith(baseline))
    matrix = torch.randn(_SIDE if where.type == "cuda" else 64, device=where)
    square = matrix.outer(matrix)
    roof = (
        2 * len(square) ** 3 / min(seconds(lambda: square @ square) for _ in range(sizes.repeats))
    )
    return [
        "| encoder | voxels | seconds, median | voxels/s | to `default` on the CPU |",
        "|---|---|---|---|---|",
        *(
            f"| {row.name} | {runs[row.name][1]:,} | {row.median_s:.4f} | {rates[row.name]:,.0f} | "
            f"{rates[row.name] / rates[f'{DENSE}, CPU']:.3g} |"
            for row in table.rows
        ),
        "",
        f"The faster dense embedding does {done / 1e12:.1f} TFLOP/s, halos not counted; a product "
        f"of float32 matrices {roof / 1e12:.1f}. On a GPU torch's convolutions are in "
        "TensorFloat-32.",
    ]


def training(sizes: Sizes, where: torch.device) -> list[str]:
    """Table rows: steps a second on both devices and in both precisions."""
    image = torch.from_numpy(cell_phantom(0, shape=(50, 50, 50)).image)[None]
    lines = [
        "| configuration | device | precision | steps/s | peak of tensors, MiB |",
        "|---|---|---|---|---|",
    ]
    for name in sizes.trained:
        kinds: list[tuple[torch.device, Precision]] = [
            (torch.device("cpu"), "float32"),
            *((where, precision) for precision in PRECISIONS if where.type == "cuda"),
        ]
        for place, precision in kinds:
            few = max(1, sizes.steps // 20) if place.type == "cpu" else sizes.steps
            _trained(name, image.to(place), precision, 1)  # what only the first step does
            one, many = (_trained(name, image.to(place), precision, n) for n in (1, 1 + few))
            peak = torch.cuda.max_memory_allocated() / 2**20 if place.type == "cuda" else 0
            lines.append(
                f"| `{name}` | {place.type.upper()} | {precision} | "
                f"{few / (many - one):.1f} | {f'{peak:,.0f}' if peak else '—'} |"
            )
    return lines


def _trained(name: str, image: torch.Tensor, precision: Precision, steps: int) -> float:
    """Seconds of a training of so many steps."""
    settings = replace(CATALOGUE[name].training, steps=steps, precision=precision)
    torch.manual_seed(0)
    vae = HyperbolicVAE(CATALOGUE[name].model, in_channels=1).to(image.device)
    if image.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    return seconds(lambda: train(vae, [image], settings, seed=0, quiet=True))


def report(sizes: Sizes, where: torch.device) -> str:
    """The whole page."""
    torch.set_num_threads(CPU_THREADS)
    return "\n".join([
        "# On a GPU",
        "",
        "Written by `python -m benchmarks.speed.gpu`. One channel, float32 unless said, torch "
        f"{torch.__version__.split('+')[0]}; {sizes.repeats} interleaved rounds; on the CPU of the "
        f"same machine, {CPU_THREADS} threads. Codes come back to the CPU, and that counts.",
        "",
        f"## Codes of every voxel of {sizes.side}^3",
        "",
        *embedding(sizes, where),
        "",
        "## Training",
        "",
        "On a phantom of 50^3 voxels, the difference between a long run and one of a single step.",
        "",
        *training(sizes, where),
        "",
    ])


def main(given: Sequence[str] | None = None) -> None:
    """Measure, print and write the page; with `--smoke` every line, small, on any device."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--smoke", action="store_true", help="run once, small, and write nothing")
    asked = parser.parse_args(given)
    if asked.smoke:
        print(report(SMALL, device("auto")))
        return
    page = report(FULL, device("cuda"))
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "gpu.md").write_text(page, encoding="utf-8")
    print(page)


if __name__ == "__main__":
    main()
