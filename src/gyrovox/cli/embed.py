"""`gyrovox embed`: the code of every voxel."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, final

from tyro.conf import Positional, arg

from gyrovox.cli.command import Command, LatentType, WorkerOptions, WorkOptions
from gyrovox.cli.inputs import files_of, open_volumes
from gyrovox.cli.outputs import check_absent, check_inputs_stay, check_space, made
from gyrovox.cli.results import latent_bytes, loaded_segmenter
from gyrovox.cli.terminal import note
from gyrovox.errors import SettingsError


@final
@dataclass(frozen=True, kw_only=True)
class Embed(Command):
    """Write the code of every voxel, a tangent vector at the origin, as OME-Zarr.

    The volume may be larger than memory; the same command goes on after an interruption.
    """

    volume: Annotated[str, Positional, arg(metavar="VOLUME")]
    """Volume to embed: one file, or its channels joined by commas."""

    model_file: Annotated[Path, arg(aliases=["-m"], metavar="MODEL.safetensors")]
    """Model file that `gyrovox train` or `gyrovox segment` wrote."""

    output: Annotated[Path, arg(aliases=["-o"], metavar="LATENTS.zarr")]
    """OME-Zarr group to write; the coordinates of the codes are its channels."""

    dtype: LatentType = "float32"
    """Type that codes are stored as. What the smaller ones cost is said at the end."""

    workers: Annotated[WorkerOptions, arg(name="")] = field(default_factory=WorkerOptions)
    work: Annotated[WorkOptions, arg(name="")] = field(default_factory=WorkOptions)

    def run(self) -> None:
        if self.output.suffix != ".zarr":
            raise SettingsError(
                f"codes are written as OME-Zarr: -o must end in .zarr, got {self.output.name!r}."
            )
        self.workers.check()
        check_absent([self.output], overwrite=self.work.overwrite)
        (volume,) = open_volumes([self.volume])
        check_inputs_stay([*files_of([self.volume]), self.model_file], [self.output])
        segmenter = loaded_segmenter(self.model_file, self.work)
        segmenter.check(volume)
        latent_dim = segmenter.configuration_.model.latent_dim
        with made(self.output.parent):
            self._embed(latent_bytes([volume], self.dtype, latent_dim=latent_dim))

    def _embed(self, needed: int) -> None:
        # Imported here so that `--help` waits for no library.
        from gyrovox.io.location import locations
        from gyrovox.pipeline import EmbeddingRun, run_folder

        if not run_folder(self.output).exists():  # else part of it is there
            check_space(self.output.parent, needed)
        error = EmbeddingRun(
            volume=tuple(str(location) for location in locations(self.volume)),
            model=self.model_file,
            output=self.output,
            dtype=self.dtype,
            workers=self.workers.workers,
            scheduler=self.workers.scheduler,
            device=self.work.device,
            threads=self.work.threads,
            nan_policy=self.work.nan_policy,
            overwrite=self.work.overwrite,
            quiet=self.work.quiet,
        ).run()
        lost = f", no farther than {error:.2g} from where they were" if error else ""
        note(f"the codes are in {self.output}{lost}", quiet=self.work.quiet)
