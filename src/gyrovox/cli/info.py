"""`gyrovox info`: what gyrovox understands of a file."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, final

from tyro.conf import Positional, arg

from gyrovox.cli.command import Command
from gyrovox.cli.terminal import complain, say, storage
from gyrovox.errors import GyrovoxError, SettingsError

if TYPE_CHECKING:
    from gyrovox.io import FileDescription


@final
@dataclass(frozen=True, kw_only=True)
class Info(Command):
    """Show shape, type, voxel size, axes, value range and the memory needed."""

    files: Annotated[
        tuple[str, ...], Positional, arg(metavar="FILE...", help_behavior_hint="(required)")
    ]
    """Volumes: one file each, or the channels of one joined by commas."""

    def run(self) -> None:
        # Imported here so that `--help` waits for no library.
        from gyrovox import io

        if not self.files:
            raise SettingsError("name at least one FILE to look into.")
        failures: list[GyrovoxError] = []
        for file in self.files:
            try:
                described = io.describe(file)
            except GyrovoxError as error:  # the others are still worth showing
                failures.append(error)
                continue
            say("\n".join([described.path, *_lines(described)]))
        for failure in failures[:-1]:
            complain(str(failure))
        if failures:
            raise failures[-1]


def _lines(file: "FileDescription") -> list[str]:
    rows = {"format": file.format}
    for dataset in file.datasets:
        shape = " × ".join(str(side) for side in dataset.shape)
        rows[f"::{dataset.name}"] = f"{shape}, {dataset.dtype}"
    if file.shape is not None:
        rows |= _volume_rows(file, file.shape)
    width = max(map(len, rows)) + 2
    lines = [f"  {name:<{width}}{value}" for name, value in rows.items()]
    if file.datasets:
        lines.append(f"  name one of them, as {file.path}::{file.datasets[0].name}")
    return lines


def _volume_rows(file: "FileDescription", shape: tuple[int, int, int, int]) -> dict[str, str]:
    from gyrovox.report.scale_bar import physical

    channels, *sides = shape
    rows = {
        "shape": " × ".join(str(side) for side in sides) + " (z, y, x)",
        "channels": str(channels),
        "type": str(file.dtype),
        "voxel size": "unknown",
    }
    unit = "voxels"
    if file.voxel_size_nm is not None:
        unit = "nm"
        sizes = (physical(side) for side in file.voxel_size_nm)
        rows["voxel size"] = " × ".join(sizes) + " (z, y, x)"
    if file.directions is not None:
        pairs = zip("zyx", file.directions, strict=True)
        rows["axes"] = ", ".join(f"{axis} along {world}" for axis, world in pairs)
    if file.origin_nm is not None:
        rows["origin"] = f"{_numbers(file.origin_nm)} {unit} (z, y, x)"
    rows["values"] = "none is finite"
    if file.value_range is not None:
        rows["values"] = f"{file.value_range[0]:.6g} to {file.value_range[1]:.6g}"
    if file.not_finite:
        rows["values"] += f", and {file.not_finite} that are NaN or infinite"
    if file.memory_bytes is not None:
        rows["memory"] = f"{storage(file.memory_bytes)} as float32"
    return rows


def _numbers(values: tuple[float, ...]) -> str:
    return ", ".join(f"{value + 0.0:.6g}" for value in values)  # + 0.0: no "-0"
