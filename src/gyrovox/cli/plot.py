"""`gyrovox plot`: pictures of a finished segmentation, a file for each."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, final, get_args

from tyro.conf import Positional, arg

from gyrovox.cli.command import Command
from gyrovox.cli.outputs import check_absent, made
from gyrovox.cli.results import PLOTS
from gyrovox.cli.terminal import note, say
from gyrovox.errors import MissingExtraError, PictureError, SettingsError
from gyrovox.progress import progress
from gyrovox.settings import PictureFormat, PictureName

if TYPE_CHECKING:
    from gyrovox.report.pictures import Gallery
    from gyrovox.results import ResultFolder

_LEAST_DPI, _MOST_DPI = 30, 1200


@final
@dataclass(frozen=True, kw_only=True)
class Plot(Command):
    """Draw a segmentation: slices, disk, patches, surfaces, curves and more.

    Pictures that show codes of voxels make them anew from the image and model.safetensors, or take
    those that `segment --keep-latents` left. What a result lacks the means for is left out, with
    the reason, unless it was asked for by name.
    """

    folder: Annotated[Path, Positional, arg(metavar="DIR")]
    """A folder that `segment` or `demo` wrote: one result, or several below it."""

    what: Annotated[tuple[PictureName | Literal["all"], ...], arg(help_behavior_hint="")] = ("all",)
    """Pictures to draw."""

    output: Annotated[Path | None, arg(aliases=["-o"], metavar="OUT")] = None
    """Folder to write into, with a folder of its own for each of several results. By default,
    plots/ in the folder of each."""

    level: Annotated[int | None, arg(metavar="K")] = None
    """Number of classes in pictures of one level. By default, that of the finest level file of at
    most 12."""

    format: PictureFormat = "png"
    """Format of the pictures. Surfaces are always a page, .html."""

    dpi: int = 150
    """Dots per inch of a png, and of slices in the others."""

    volumes: bool = False
    """With `components`: write them as volumes too, as OME-Zarr."""

    umap: bool = False
    """With `projection`: by UMAP too, in the plane and in the disk. It takes minutes."""

    seed: int = 0
    """Seed of UMAP."""

    device: Annotated[str, arg(metavar="{auto,cpu,cuda,cuda:N}")] = "auto"
    """Where to compute. `auto` takes a CUDA GPU where there is one."""

    threads: Annotated[int | None, arg(metavar="N")] = None
    """CPU threads to compute on at most; torch decides if not given."""

    quiet: bool = False
    """Show no progress."""

    overwrite: bool = False
    """Replace pictures that exist."""

    def run(self) -> None:
        if not _LEAST_DPI <= self.dpi <= _MOST_DPI:
            raise SettingsError(f"--dpi must be from {_LEAST_DPI} to {_MOST_DPI}, got {self.dpi}.")
        # Imported here so that `--help` waits for no library.
        from gyrovox import devices
        from gyrovox.results import result_folders

        devices.limit_threads(self.threads)
        devices.device(self.device)
        results = result_folders(self.folder)
        folders = self._folders(results)
        for folder in folders:
            check_absent(self._files(folder), overwrite=self.overwrite)
        galleries = [self._gallery(result) for result in results]
        total = len(self._names) * len(results)
        with progress("plot", total, unit="pictures", quiet=self.quiet) as bar:
            written, left_out = [], []
            for gallery, folder in zip(galleries, folders, strict=True):
                with made(folder):
                    for name in self._names:
                        try:
                            written += self._draw(gallery, name, folder)
                        except (PictureError, MissingExtraError) as error:
                            if name in self.what:
                                raise
                            left_out.append(f"{name} of {gallery.result.name} is left out: {error}")
                        bar.advance(1)
        for line in left_out:
            note(line, quiet=self.quiet)
        for path in written:
            say(str(path))

    @property
    def _names(self) -> tuple[PictureName, ...]:
        """The pictures, each once."""
        if "all" in self.what or not self.what:
            return get_args(PictureName)
        return tuple(dict.fromkeys(name for name in self.what if name != "all"))

    def _folders(self, results: "Sequence[ResultFolder]") -> list[Path]:
        """Where the pictures of each result go.

        Raises:
            SettingsError: If two results would share a folder.
        """
        if self.output is None:
            return [result.path / PLOTS for result in results]
        if len(results) == 1:
            return [self.output]
        names = [result.name for result in results]
        if len(set(names)) < len(names):
            raise SettingsError(
                f"results must have different names to share the folder {self.output}, and two "
                f"below {self.folder} have the same. Leave -o away, or draw them one by one."
            )
        return [self.output / name for name in names]

    def _files(self, folder: Path) -> list[Path]:
        """What may be written there."""
        files = [folder / f"{name}.{self.format}" for name in self._names if name != "surfaces"]
        if "surfaces" in self._names:
            files.append(folder / "surfaces.html")
        if "reliability" in self._names:
            files.append(folder / "reliability.csv")
        if "components" in self._names and self.volumes:
            files += [folder / "components.ome.zarr", folder / "components-rgb.ome.zarr"]
        return files

    def _gallery(self, result: "ResultFolder") -> "Gallery":
        from gyrovox.report.pictures import Gallery

        return Gallery(
            result,
            classes=self.level,
            device=self.device,
            seed=self.seed,
            by_umap=self.umap,
        )

    def _draw(self, gallery: "Gallery", name: PictureName, folder: Path) -> list[Path]:
        files = gallery.draw(name, folder, self.format, self.dpi)
        if name == "components" and self.volumes:
            files += gallery.write_components(folder)
        return files
