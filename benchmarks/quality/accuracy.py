"""How right the geometry is, in float32 and float64, against 60 digits and beside geoopt.

    python -m benchmarks.quality.accuracy [--count 40]

Errors are those of results for the very numbers that a function was given: what was lost before,
when points were rounded, is not counted. Nothing is timed. It writes
``benchmarks/quality/results/accuracy.md``.
"""

import argparse
import importlib
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from gyrovox.geometry import codes, einstein_midpoint, gyroplane, poincare
from gyrovox.geometry.frechet_mean import frechet_mean

RESULTS = Path(__file__).parent / "results"
ROOMS = tuple(10.0**-digits for digits in range(1, 8))
SEPARATIONS = (1e-6, 1e-4, 1e-2, 1.0, 3.0, 10.0, 20.0, 30.0)
DTYPES = (torch.float32, torch.float64)

Function = Callable[..., Tensor]


@dataclass(frozen=True, kw_only=True)
class Case:
    """One function on rows of arguments, and everybody's way to compute it."""

    name: str
    arguments: tuple[Tensor, ...]
    """In float64, rows first; rounded to a dtype before anybody sees them."""

    exact: Callable[..., Any]
    """The result of one row in 60 digits."""

    ways: dict[str, Function]


def oracle() -> ModuleType:
    """The definitions in 60 digits that the tests use; they share no code with the package."""
    laws = str(Path(__file__).resolve().parents[2] / "tests" / "laws")
    if laws not in sys.path:
        sys.path.append(laws)
    return importlib.import_module("ball_in_60_digits")


def geoopt_ball() -> Any | None:
    """Geoopt's ball of curvature −1, for both dtypes; None where geoopt is not installed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its import warns of torch.jit
        try:
            geoopt = importlib.import_module("geoopt")
        except ImportError:
            return None
    return lambda like: geoopt.PoincareBall(c=torch.ones((), dtype=like.dtype))


def directions(count: int) -> Tensor:
    """Random unit vectors of the plane."""
    return torch.nn.functional.normalize(torch.randn(count, 2, dtype=torch.float64), dim=-1)


def pair_cases(x: Tensor, y: Tensor, ball: Any | None) -> list[Case]:
    """Distance, log and exp of points: in coordinates, and from the codes of the same points."""
    exact, v = oracle(), poincare.log(x, y)
    u, w = poincare.log_origin(x), poincare.log_origin(y)

    return [
        Case(
            name="distance",
            arguments=(x, y),
            exact=exact.distance,
            ways=with_geoopt(poincare.distance, ball, lambda space, x, y: space.dist(x, y)),
        ),
        Case(
            name="log",
            arguments=(x, y),
            exact=exact.log,
            ways=with_geoopt(poincare.log, ball, lambda space, x, y: space.logmap(x, y)),
        ),
        Case(
            name="exp",
            arguments=(x, v),
            exact=exact.exp,
            ways=with_geoopt(poincare.exp, ball, lambda space, x, v: space.expmap(x, v)),
        ),
        Case(
            name="distance",
            arguments=(u, w),
            exact=exact.code_distance,
            ways={"ours, codes": codes.distance},
        ),
        # (−u) ⊕ w is half of log_x(y) carried to the origin, u ⊕ v what exp is.
        Case(
            name="log",
            arguments=(-u, w),
            exact=exact.code_add,
            ways={"ours, codes": codes.add},
        ),
        Case(
            name="exp",
            arguments=(u, codes.add(-u, w)),
            exact=exact.code_add,
            ways={"ours, codes": codes.add},
        ),
    ]


def with_geoopt(ours: Function, ball: Any | None, theirs: Function) -> dict[str, Function]:
    """Our way in coordinates, and geoopt's where it is installed."""
    if ball is None:
        return {"ours": ours}
    return {"ours": ours, "geoopt": lambda *given: theirs(ball(given[0]), *given)}


def plane_and_mean_cases(x: Tensor, ball: Any | None, means: int) -> list[Case]:
    """Gyroplanes through the ball's middle, and means of five points within about 1 of x."""
    exact, u = oracle(), poincare.log_origin(x)
    p, a = 0.5 * directions(len(x)), directions(len(x))
    spread = 0.3 * torch.randn(means, 5, 2, dtype=torch.float64)
    # A little inside, so that none of them rounds to the boundary.
    middle = u[:means] - torch.nn.functional.normalize(u[:means], dim=-1) * u[:means].norm(
        dim=-1, keepdim=True
    ).clamp(max=1.0)
    clouds = codes.add(middle.unsqueeze(-2), spread)
    points, weights = poincare.exp_origin(clouds), torch.rand(means, 5, dtype=torch.float64)

    def plane(u: Tensor, p: Tensor, a: Tensor) -> Tensor:
        return gyroplane.signed_distance(u, *gyroplane.through_point(p, a)).diagonal()

    def row(function: Callable[..., Any]) -> Callable[..., Any]:
        return lambda points, weights, *, curvature: function(weights, *points, curvature=curvature)

    cases = [
        Case(
            name="gyroplane",
            arguments=(x, p, a),
            exact=exact.point_gyroplane_distance,
            ways=with_geoopt(
                lambda x, p, a: plane(poincare.log_origin(x), p, a),
                ball,
                lambda space, x, p, a: space.dist2plane(x, p, a, signed=True),
            ),
        ),
        Case(
            name="gyroplane",
            arguments=(u, p, a),
            exact=exact.gyroplane_distance,
            ways={"ours, codes": plane},
        ),
    ]
    for name, ours, theirs in (
        ("Einstein midpoint", einstein_midpoint, "weighted_midpoint"),
        ("Fréchet mean", frechet_mean, None),
    ):
        label = "einstein_midpoint" if theirs else "frechet_mean"
        in_ball = with_geoopt(
            lambda x, w, ours=ours: poincare.exp_origin(ours(poincare.log_origin(x), w)),
            ball if theirs else None,
            lambda space, x, w: space.weighted_midpoint(x, w, reducedim=[-2]),
        )
        given = {name: (points, weights), f"{name} of codes": (clouds, weights)}
        cases += [
            Case(
                name=name,
                arguments=given[name],
                exact=row(vars(exact)[label]),
                ways=in_ball,
            ),
            Case(
                name=name,
                arguments=given[f"{name} of codes"],
                exact=row(vars(exact)[f"code_{label}"]),
                ways={"ours, codes": ours},
            ),
        ]
    return cases


def errors(case: Case, dtype: torch.dtype) -> dict[tuple[str, str], Tensor]:
    """Relative errors of every way, one a row; infinite where a result is not finite."""
    given = [argument.to(dtype) for argument in case.arguments]
    rows = zip(*(argument.tolist() for argument in given), strict=True)
    exact = [case.exact(*row, curvature=-1.0) for row in rows]
    wanted = torch.tensor(
        [[float(e) for e in row] if isinstance(row, list) else [float(row)] for row in exact],
        dtype=torch.float64,
    )
    found = {}
    for who, way in case.ways.items():
        result = way(*given).double().reshape(wanted.shape)
        gap = (result - wanted).norm(dim=-1) / wanted.norm(dim=-1)
        found[case.name, who] = gap.nan_to_num(torch.inf)
    return found


def points_with_room(room: float, count: int) -> Tensor:
    """Points with 1 − ‖x‖ = room, in random directions."""
    return (1 - room) * directions(count)


def points_apart(separation: float, count: int) -> tuple[Tensor, Tensor]:
    """Pairs about points near the origin, so that 30 is within reach of float32's coordinates."""
    middle, way = 0.2 * directions(count), separation / 4 * directions(count)
    x, y = (poincare.exp_origin(codes.add(middle, sign * way)) for sign in (1, -1))
    return x, y


def section(
    title: str, labels: Sequence[str], many: Sequence[list[Case]], dtype: torch.dtype
) -> list[str]:
    """One table: a column per room or separation, a row per function and way."""
    cells: dict[tuple[str, str], list[str]] = {}
    for cases in many:
        for case in cases:
            for key, gap in errors(case, dtype).items():
                text = f"{float(gap.median()):.0e} / {float(gap.max()):.0e}"
                cells.setdefault(key, []).append(text)
    return [
        f"## {title}, {str(dtype).removeprefix('torch.')}",
        "",
        f"| function | way | {' | '.join(labels)} |",
        "|---|---|" + "---|" * len(labels),
        *(f"| {name} | {who} | {' | '.join(row)} |" for (name, who), row in cells.items()),
        "",
    ]


def report(count: int, *, rooms: Sequence[float] = ROOMS) -> str:
    """The whole page, from `count` random rows a column (a quarter as many for means)."""
    torch.manual_seed(0)
    ball = geoopt_ball()
    near = []
    for room in rooms:
        x, y = points_with_room(room, count), points_with_room(room, count)
        near.append([*pair_cases(x, y, ball), *plane_and_mean_cases(x, ball, max(2, count // 4))])
    apart = [pair_cases(*points_apart(gap, count), ball) for gap in SEPARATIONS]
    lines = [
        "# Accuracy of the geometry",
        "",
        f"Written by `python -m benchmarks.quality.accuracy --count {count}`. Relative errors, "
        "median / largest, against 60-digit arithmetic on the numbers that each function was "
        "given; curvature −1, two dimensions, random directions. *ours* and *geoopt* take "
        "coordinates of the ball; *ours, codes* takes tangent vectors at the origin, of the same "
        "points, and its log and exp are Möbius additions of codes. Where a result is a vector, "
        "the length of its error is taken to its own length. Gyroplanes pass points at half the "
        "radius; means are of five points about a point 2 nearer to the middle. geoopt's midpoint "
        "is the Einstein midpoint; it has no Fréchet mean. Over a long way d, exp multiplies every "
        "rounding of the direction by sinh d, in whatever coordinates: its last columns show that.",
        "" if ball is not None else "\ngeoopt is not installed: its rows are left out.\n",
    ]
    for dtype in DTYPES:
        labels = [f"{room:.0e}" for room in rooms]
        lines += section("By room to the boundary, 1 − ‖x‖", labels, near, dtype)
    for dtype in DTYPES:
        labels = [f"{gap:g}" for gap in SEPARATIONS]
        lines += section("By separation of points about the middle", labels, apart, dtype)
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=40, help="rows a column")
    page = report(parser.parse_args(arguments).count)
    print(page)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "accuracy.md").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
