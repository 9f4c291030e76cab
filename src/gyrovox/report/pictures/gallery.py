"""All pictures of one result, by name, with what they share made once."""

from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, final

from gyrovox import devices
from gyrovox.errors import ModelFileError, PictureError
from gyrovox.io.atomic import written_whole
from gyrovox.report.pictures.code_source import CodeSource, code_source
from gyrovox.report.pictures.components import check_three, components, write_components
from gyrovox.report.pictures.curves import MODEL, curves
from gyrovox.report.pictures.disk import disk
from gyrovox.report.pictures.level import Level, shown_level
from gyrovox.report.pictures.look import save
from gyrovox.report.pictures.patches import patches
from gyrovox.report.pictures.projection import projection
from gyrovox.report.pictures.reconstructions import reconstructions
from gyrovox.report.pictures.reliability import (
    reliability,
    reliability_table,
    write_reliability,
)
from gyrovox.report.pictures.slices import slices
from gyrovox.report.pictures.surfaces import surfaces, write_surfaces
from gyrovox.report.pictures.voxel_codes import VoxelCodes, voxel_codes
from gyrovox.settings import PictureFormat, PictureName

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from gyrovox.results import ResultFolder
    from gyrovox.segmenter import HierarchicalSegmenter


@final
class Gallery:
    """Draws the pictures of a result.

    Args:
        result: The result.
        classes: How many classes pictures of one level show; chosen by `shown_level` if None.
        device: Where the model computes: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        seed: Seed of UMAP.
        by_umap: Whether codes are laid out by UMAP too.

    Raises:
        SettingsError: If the tree has not so many leaves.
    """

    def __init__(
        self,
        result: "ResultFolder",
        *,
        classes: int | None = None,
        device: str = "auto",
        seed: int = 0,
        by_umap: bool = False,
    ) -> None:
        self.result = result
        self.level: Level = shown_level(result, classes)
        self._device = device
        self._seed = seed
        self._by_umap = by_umap

    def draw(self, name: PictureName, folder: Path, form: PictureFormat, dpi: int) -> list[Path]:
        """Draw a picture into a folder, in place of an earlier one.

        Args:
            name: Which picture.
            folder: Where to; it must exist.
            form: Its format; ``surfaces`` are always a page, .html.
            dpi: Dots per inch of a ``png``, and of slices in the others.

        Returns:
            The files: the picture, and for ``reliability`` the table beside it.

        Raises:
            PictureError: If the result lacks what the picture shows.
            MissingExtraError: If it needs packages that are not installed.
            SettingsError: If the tree has fewer leaves than a level needs.
        """
        if name == "surfaces":
            page = folder / "surfaces.html"
            figure = surfaces(self.result, self.level)
            with written_whole(page, overwrite=True, suffix=".html") as beside:
                write_surfaces(figure, beside)
            return [page]
        path = folder / f"{name}.{form}"
        drawn = self._painters[name]()
        with written_whole(path, overwrite=True, suffix=path.suffix) as beside:
            save(drawn, beside, dpi=dpi)
        if name != "reliability":
            return [path]
        rows = folder / "reliability.csv"
        with written_whole(rows, overwrite=True, suffix=".csv") as beside:
            write_reliability(
                reliability_table(self.result, self.level, self._codes_if_any), beside
            )
        return [path, rows]

    def write_components(self, folder: Path) -> list[Path]:
        """Write the components of the codes as volumes, in place of earlier ones.

        Args:
            folder: Where to; it must exist.

        Returns:
            The volumes.

        Raises:
            PictureError: If codes do not have three dimensions.
        """
        return [*write_components(self.result, self._source, folder, overwrite=True)]

    @property
    def _painters(self) -> "Mapping[PictureName, Callable[[], Figure]]":
        """What draws each picture that is one of matplotlib's."""
        result, one = self.result, self.level
        return {
            "slices": lambda: slices(result),
            "disk": lambda: disk(result, codes=self._codes_if_any),
            "projection": lambda: projection(
                result, one, self._codes, by_umap=self._by_umap, seed=self._seed
            ),
            "components": self._components,
            "reconstructions": lambda: reconstructions(result, one, self._segmenter),
            "patches": lambda: patches(result, one, self._codes, patch_side=self._patch_side),
            "curves": lambda: curves(result),
            "reliability": lambda: reliability(result, one, self._codes_if_any),
        }

    def _components(self) -> "Figure":
        check_three(self.result.trunk.codes.shape[1])  # before the voxels are looked at
        return components(self.result, self._source)

    @cached_property
    def _segmenter(self) -> "HierarchicalSegmenter":
        """The model of the result.

        Raises:
            PictureError: If it is gone.
            ModelFileError: If it is damaged.
        """
        path = self.result.path / MODEL
        if not path.is_file():
            raise PictureError(
                f"the model must lie beside the result, and there is no {MODEL} in "
                f"{self.result.path}. Copy the one that it was made with there."
            )
        from gyrovox.segmenter import HierarchicalSegmenter

        segmenter = HierarchicalSegmenter.load(path, device=self._device, quiet=True)
        segmenter.vae_.to(devices.device(self._device))
        return segmenter

    @cached_property
    def _source(self) -> CodeSource:
        try:
            segmenter = self._segmenter
        except (PictureError, ModelFileError):
            return code_source(self.result)
        return code_source(self.result, segmenter)

    @cached_property
    def _codes(self) -> VoxelCodes:
        return voxel_codes(self.result, self._source)

    @property
    def _codes_if_any(self) -> VoxelCodes | None:
        """Codes for pictures that say something without them too."""
        try:
            return self._codes
        except PictureError:
            return None

    @property
    def _patch_side(self) -> int | None:
        """Side of the patch that a code is made from, in voxels; None where that is not known."""
        try:
            model = self._segmenter.configuration_
        except (PictureError, ModelFileError):
            return None
        dense = model.model.encoder == "dense"
        return model.model.input_size if dense else model.training.embed_side
