"""`gyrovox embed`: the code of every voxel."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, final

from tyro.conf import Positional, arg

from gyrovox.cli.command import Command, WorkOptions
from gyrovox.cli.inputs import check_voxels, files_of, open_volumes
from gyrovox.cli.outputs import check_absent, check_inputs_stay, check_space, publish, staging
from gyrovox.cli.results import loaded_segmenter
from gyrovox.cli.terminal import note
from gyrovox.errors import SettingsError


@final
@dataclass(frozen=True, kw_only=True)
class Embed(Command):
    """Write the code of every voxel, a tangent vector at the origin, as OME-Zarr."""

    volume: Annotated[str, Positional, arg(metavar="VOLUME")]
    """Volume to embed: one file, or its channels joined by commas."""

    model_file: Annotated[Path, arg(aliases=["-m"], metavar="MODEL.safetensors")]
    """Model file that `gyrovox train` or `gyrovox segment` wrote."""

    output: Annotated[Path, arg(aliases=["-o"], metavar="LATENTS.zarr")]
    """OME-Zarr group to write; the coordinates of the codes are its channels."""

    work: Annotated[WorkOptions, arg(name="")] = field(default_factory=WorkOptions)

    def run(self) -> None:
        if self.output.suffix != ".zarr":
            raise SettingsError(
                f"codes are written as OME-Zarr: -o must end in .zarr, got {self.output.name!r}."
            )
        check_absent([self.output], overwrite=self.work.overwrite)
        (volume,) = open_volumes([self.volume])
        check_inputs_stay([*files_of([self.volume]), self.model_file], [self.output])
        segmenter = loaded_segmenter(self.model_file, self.work)
        segmenter.check(volume)
        depth, height, width = volume.spatial_shape
        latent_dim = segmenter.configuration_.model.latent_dim
        check_space(self.output.parent, depth * height * width * latent_dim * 4)
        check_voxels([volume], nan_policy=self.work.nan_policy)
        # Imported here so that `--help` waits for no library.
        import numpy as np

        from gyrovox import io
        from gyrovox.volumes import Volume

        with staging(self.output.parent) as hidden:
            codes = Volume.from_array(
                np.moveaxis(segmenter.embed(volume), -1, 0),
                voxel_size_nm=volume.voxel_size_nm,
                affine=volume.affine,
                name=f"codes of {volume.name}",
            )
            io.write(codes, hidden / self.output.name)
            publish(hidden / self.output.name, self.output)
        note(f"the codes are in {self.output}", quiet=self.work.quiet)
