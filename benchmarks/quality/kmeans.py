"""Inertia of hyperbolic k-means beside Euclidean: ``python -m benchmarks.quality.kmeans``.

All three start from the same codes. A Euclidean clustering is charged for what it decides, the
labels: each of its clusters gets its own Fréchet mean, the best centre that there is.
"""

import argparse
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from benchmarks.quality.phantom import RESULTS
from gyrovox.clustering.lloyd import Lloyd, Threads, assign
from gyrovox.clustering.seeding import plus_plus
from gyrovox.clustering.space import HyperbolicSpace
from gyrovox.geometry import codes, poincare

Codes = NDArray[np.float64]
_SPACE = HyperbolicSpace()
_DIGITS = 1e-6  # ratios nearer to 1 than this are called equal


def walked(start: Codes, scale: float, rng: np.random.Generator) -> Codes:
    """Codes a step of a wrapped normal distribution of this scale away from codes (points, dim)."""
    # A tangent vector v at the origin leads to the code v / 2, which is then carried to the start.
    step = torch.from_numpy(scale / 2 * rng.normal(size=start.shape))
    return codes.add(torch.from_numpy(start), step).numpy()


def mixture(
    radius: float, scale: float, *, dim: int = 2, parts: int = 8
) -> Callable[[int, np.random.Generator], Codes]:
    """Wrapped normals around centres at distances of up to `radius` from the origin."""

    def drawn(points: int, rng: np.random.Generator) -> Codes:
        direction = rng.normal(size=(parts, dim))
        direction /= np.linalg.norm(direction, axis=1, keepdims=True)
        centres = direction * rng.uniform(0.5, 1.0, (parts, 1)) * radius / 2
        return walked(centres[rng.integers(0, parts, points)], scale, rng)

    return drawn


def branching(
    step: float, *, dim: int = 2, depth: int = 4
) -> Callable[[int, np.random.Generator], Codes]:
    """Like the codes of a hierarchy: a tree that grows outwards, three branches a node.

    Branches carry unequal shares, and a code may stop at any depth.
    """

    def drawn(points: int, rng: np.random.Generator) -> Codes:
        places, shares = [np.zeros((1, dim))], [np.ones(1)]
        for _ in range(depth):
            parents = np.repeat(places[-1], 3, axis=0)
            outwards = parents / np.maximum(np.linalg.norm(parents, axis=1, keepdims=True), 1e-9)
            turned = outwards + 0.6 * rng.normal(size=parents.shape)
            turned /= np.linalg.norm(turned, axis=1, keepdims=True)
            moved = codes.add(torch.from_numpy(parents), torch.from_numpy(turned * step / 2))
            places.append(moved.numpy())
            split = rng.dirichlet(np.full(3, 2.0), len(shares[-1]))
            shares.append((shares[-1][:, None] * split).ravel())
        nodes, share = np.concatenate(places), np.concatenate(shares)
        chosen = rng.choice(len(nodes), points, p=share / share.sum())
        return walked(nodes[chosen], 0.35, rng)

    return drawn


KINDS: dict[str, tuple[Callable[[int, np.random.Generator], Codes], int]] = {
    "mixture within 0.5 of the origin, scale 0.1, d = 2": (mixture(0.5, 0.1), 8),
    "mixture within 2, scale 0.5, d = 2": (mixture(2.0, 0.5), 8),
    "mixture within 5, scale 1, d = 2": (mixture(5.0, 1.0), 8),
    "mixture within 10, scale 2, d = 2": (mixture(10.0, 2.0), 8),
    "mixture within 2, scale 0.5, d = 8": (mixture(2.0, 0.5, dim=8), 8),
    "mixture within 5, scale 1, d = 8": (mixture(5.0, 1.0, dim=8), 8),
    "branching, steps of 1, d = 2, k = 4": (branching(1.0), 4),
    "branching, steps of 1, d = 2, k = 12": (branching(1.0), 12),
    "branching, steps of 2, d = 2, k = 12": (branching(2.0), 12),
    "branching, steps of 2, d = 8, k = 12": (branching(2.0, dim=8), 12),
}


def settled(points: Codes, start: Codes) -> tuple[Codes, float]:
    """Centres of Lloyd iterations in hyperbolic space, and the inertia, once that stays."""
    lloyd, centres, before = Lloyd(_SPACE, points, None, Threads(1)), start, np.inf
    for _ in range(1000):
        step = lloyd.step(centres)
        if step.inertia >= before * (1 - 1e-11):
            break
        centres, before = step.centres, step.inertia
    return centres, before


def cost(points: Codes, labels: NDArray[np.integer]) -> float:
    """Sum of squared distances to the Fréchet means of the labels, in length²."""
    # One cluster's iterations are those of its mean, and many times faster than `frechet_mean`,
    # which gives more digits.
    groups = [points[labels == label] for label in np.unique(labels)]
    return sum(settled(group, group.mean(axis=0, keepdims=True))[1] for group in groups)


def hyperbolic(points: Codes, start: Codes) -> NDArray[np.integer]:
    """Labels of hyperbolic k-means."""
    return assign(_SPACE, points, settled(points, start)[0], Threads(1))[0]


def euclidean(points: Codes, start: Codes) -> NDArray[np.integer]:
    """Labels of scikit-learn's Lloyd iterations in these coordinates, until no label changes."""
    model = KMeans(len(start), init=start, n_init=1, max_iter=1000, tol=0, algorithm="lloyd")
    return model.fit(points).labels_


def in_ball(points: Codes) -> Codes:
    """Ball coordinates of codes."""
    return poincare.exp_origin(torch.from_numpy(points)).numpy()


def costs(kind: str, points: int, seed: int, starts: int) -> NDArray[np.float64]:
    """Costs of one data set, shape (starts, 3): hyperbolic, ball, tangent coordinates."""
    draw, clusters = KINDS[kind]
    rng = np.random.default_rng(seed)
    data = draw(points, rng)
    found = np.empty((starts, 3))
    for turn in range(starts):
        # Half of the starts are spread by k-means++, half are random codes.
        first = (
            plus_plus(_SPACE, data, np.ones(points), clusters, rng)
            if turn % 2
            else data[rng.choice(points, clusters, replace=False)]
        )
        labels = (
            hyperbolic(data, first),
            euclidean(in_ball(data), in_ball(first)),
            euclidean(data, first),
        )
        found[turn] = [cost(data, one) for one in labels]
    return found


def table(points: int, seeds: int, starts: int) -> str:
    """Markdown: what Euclidean clusterings cost, in multiples of the hyperbolic one's."""
    lines = [
        "# Hyperbolic inertia of Euclidean k-means, in multiples of that of hyperbolic k-means",
        "",
        f"{seeds} data sets of {points:,} codes for each kind, {starts} starts each, the same for "
        "all three, half of them random codes and half from k-means++; all run until nothing "
        "moves. Each clustering is given the Fréchet means of its clusters. *Each start*: median "
        "[least, largest] of the ratios, and in how many of the runs hyperbolic k-means is "
        f"lower, equal (to {_DIGITS:g}) and higher; *best of starts*: the same of the lowest of "
        "each data set. Distances: curvature −1, mixtures by distance from the origin and "
        "standard deviation. Written by `python -m benchmarks.quality.kmeans`.",
        "",
        "| codes | coordinates | each start | lower / equal / higher | best of starts "
        "| lower / equal / higher |",
        "|---|---|---|---|---|---|",
    ]
    for kind in KINDS:
        found = np.stack([costs(kind, points, seed, starts) for seed in range(seeds)])
        best = found.min(axis=1)
        for column, name in ((1, "ball"), (2, "tangent")):
            each = _summary(found[..., column] / found[..., 0])
            lines.append(f"| {kind} | {name} | {each} | {_summary(best[:, column] / best[:, 0])} |")
    return "\n".join(lines) + "\n"


def _summary(ratios: NDArray[np.float64]) -> str:
    lower, higher = int((ratios > 1 + _DIGITS).sum()), int((ratios < 1 - _DIGITS).sum())
    middle = f"{np.median(ratios):.4f} [{ratios.min():.4f}, {ratios.max():.4f}]"
    return f"{middle} | {lower} / {ratios.size - lower - higher} / {higher}"


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, default=4000)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--starts", type=int, default=10)
    asked = parser.parse_args()
    with threadpool_limits(1):
        text = table(asked.points, asked.seeds, asked.starts)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "kmeans.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
