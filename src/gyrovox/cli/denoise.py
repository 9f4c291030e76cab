"""`gyrovox denoise`: a tomogram without most of its noise."""

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, final

from tyro.conf import Positional, arg

from gyrovox.cli.command import Command, WorkOptions
from gyrovox.cli.inputs import files_of
from gyrovox.cli.outputs import check_absent, check_inputs_stay, check_space, made, staging
from gyrovox.cli.terminal import complain, note
from gyrovox.errors import SettingsError, TrainingError
from gyrovox.settings.denoising import Noise2NoiseSettings

if TYPE_CHECKING:
    from gyrovox.tomography.denoising import Denoiser, Noise2Noise
    from gyrovox.volumes import Volume

_STOPPING = "gyrovox: stopping after this step; interrupt again to stop at once."
_INTERRUPTED = 130  # 128 + SIGINT, as shells say it


@final
@dataclass(frozen=True, kw_only=True)
class Denoise(Command):
    """Denoise a tomogram: by a network that learns from halves, or a filter.

    `n2n` learns from tomograms of two halves of the images, which `gyrovox reconstruct --halves`
    makes. The same command goes on after an interruption.
    """

    tomogram: Annotated[str, Positional, arg(metavar="TOMOGRAM")]
    """Tomogram to denoise: one file."""

    output: Annotated[Path, arg(aliases=["-o"], metavar="FILE")]
    """Tomogram to write; its suffix is its format."""

    method: Literal["n2n", "gaussian", "nlm", "tv"] = "n2n"
    """Noise2Noise network, Gaussian, non-local means, or total variation."""

    halves: Annotated[tuple[str, str] | None, arg(metavar="EVEN ODD")] = None
    """`n2n`: tomograms of the even and of the odd images."""

    model_file: Annotated[Path | None, arg(aliases=["-m"], metavar="MODEL.safetensors")] = None
    """`n2n`: network to take instead of learning one."""

    save_model: Annotated[Path | None, arg(metavar="MODEL.safetensors")] = None
    """`n2n`: file to keep the network in."""

    sigma: float = 1.0
    """`gaussian`: standard deviation, in voxels."""

    strength: float = 0.4
    """`nlm`: how different what is averaged may look, in standard deviations of the tomogram."""

    weight: float = 0.3
    """`tv`: what an edge costs, in standard deviations of the tomogram."""

    n2n: Noise2NoiseSettings = field(default_factory=Noise2NoiseSettings)

    seed: int = 0
    """`n2n`: seed of everything random."""

    checkpoint_every: Annotated[float, arg(metavar="SECONDS")] = 30.0
    """`n2n`: time between two checkpoints; an interrupted run goes on from the last one."""

    work: Annotated[WorkOptions, arg(name="")] = field(default_factory=WorkOptions)

    def run(self) -> None:
        self._check()
        # Imported here so that `--help` waits for no library.
        from gyrovox import devices, io
        from gyrovox.tomography.denoising import Noise2Noise
        from gyrovox.tomography.denoising.tiled import check_halves

        tomogram = io.read(self.tomogram)
        halves = () if self.halves is None else tuple(io.read(half) for half in self.halves)
        check_halves(tomogram, halves)
        depth, height, width = tomogram.spatial_shape
        # Float32, once on the way and once written.
        check_space(self.output.parent, 8 * depth * height * width)
        devices.limit_threads(self.work.threads)
        if self.method != "n2n":
            self._write(tomogram, self._filter(), ())
        elif self.model_file is not None:
            network = Noise2Noise.load(self.model_file, device=self.work.device)
            self._write(tomogram, network, halves)
        else:
            with self._kept() as checkpoint:
                network = self._learned((halves[0], halves[1]), checkpoint)
                self._write(tomogram, network, halves)
                shutil.rmtree(checkpoint.parent)
        note(f"the denoised tomogram is in {self.output}", quiet=self.work.quiet)

    def _check(self) -> None:
        """Refuse what cannot be done, before any work.

        Raises:
            SettingsError: If what the method needs is missing, or what it has no use for is given.
            FileFormatError: If the output's suffix is unknown.
        """
        from gyrovox.io.formats import format_and_suffix

        format_and_suffix(self.output)
        if self.method == "n2n" and self.halves is None and self.model_file is None:
            raise SettingsError(
                "--method n2n learns from tomograms of two halves of the images, and neither "
                "--halves nor --model-file was given. Reconstruct the halves with `gyrovox "
                "reconstruct --halves` and name them, or choose --method gaussian, nlm or tv."
            )
        if self.method != "n2n" and (self.halves or self.model_file or self.save_model):
            raise SettingsError(
                f"--halves, --model-file and --save-model belong to --method n2n, and --method is "
                f"{self.method}. Leave them away."
            )
        if self.model_file is not None and self.save_model is not None:
            raise SettingsError(
                "--save-model keeps a network that is learned, and with --model-file none is. "
                "Leave one of them away."
            )
        if self.save_model is not None and self.save_model.suffix != ".safetensors":
            raise SettingsError(
                f"a model file's name must end in .safetensors, got {self.save_model.name!r}."
            )
        if not self.checkpoint_every >= 0:
            raise SettingsError(
                f"--checkpoint-every must be 0 or positive, got {self.checkpoint_every:g}."
            )
        outputs = [self.output, *([] if self.save_model is None else [self.save_model])]
        check_absent(outputs, overwrite=self.work.overwrite)
        check_inputs_stay(files_of([self.tomogram, *(self.halves or ())]), outputs)

    def _filter(self) -> "Denoiser":
        """The filter that was asked for.

        Raises:
            SettingsError: If its parameter is out of its range.
        """
        from gyrovox.tomography.denoising import Gaussian, NonLocalMeans, TotalVariation

        if self.method == "gaussian":
            return Gaussian(sigma=self.sigma)
        if self.method == "nlm":
            return NonLocalMeans(strength=self.strength)
        return TotalVariation(weight=self.weight)

    def _learned(self, halves: "tuple[Volume, Volume]", checkpoint: Path) -> "Noise2Noise":
        """The network, learned from the halves and kept if asked for.

        Raises:
            SystemExit: If the user interrupted it.
        """
        from gyrovox.execution import stoppable
        from gyrovox.tomography.denoising import train_noise2noise

        with stoppable(_STOPPING) as should_stop:
            network = train_noise2noise(
                halves,
                self.n2n,
                seed=self.seed,
                device=self.work.device,
                nan_policy=self.work.nan_policy,
                quiet=self.work.quiet,
                checkpoint=checkpoint,
                checkpoint_every_s=self.checkpoint_every,
                should_stop=should_stop,
            )
        if len(network.losses) < self.n2n.steps:
            complain(
                f"stopped after {len(network.losses)} of {self.n2n.steps} steps. The same command "
                f"goes on from there."
            )
            raise SystemExit(_INTERRUPTED)
        if self.save_model is not None:
            with made(self.save_model.parent):
                network.save(self.save_model)
        return network

    @contextlib.contextmanager
    def _kept(self) -> Iterator[Path]:
        """The checkpoint in a hidden folder beside the output, which no other run may write to.

        Raises:
            TrainingError: If the loss stopped being a number.
            SystemExit: If the user interrupted it, and there is something to go on from.
        """
        from gyrovox.execution import exclusive

        checkpoint = self.output.with_name(f".{self.output.name}.gyrovox-run") / (
            "checkpoint.safetensors"
        )
        with made(self.output.parent), exclusive(checkpoint.parent):
            if self.work.overwrite:
                checkpoint.unlink(missing_ok=True)
            if checkpoint.exists():
                note(f"going on from {checkpoint}", quiet=self.work.quiet)
            try:
                yield checkpoint
            except TrainingError:
                shutil.rmtree(checkpoint.parent)  # from there it would go wrong again
                raise
            except BaseException as error:
                if not checkpoint.exists():
                    shutil.rmtree(checkpoint.parent)
                elif isinstance(error, KeyboardInterrupt):
                    complain("interrupted; the same command goes on from the last checkpoint.")
                    raise SystemExit(_INTERRUPTED) from error
                raise

    def _write(
        self, tomogram: "Volume", denoiser: "Denoiser", halves: "tuple[Volume, ...]"
    ) -> None:
        """Denoise, and write what lies over the tomogram in the output's format."""
        from dataclasses import replace

        from gyrovox import io
        from gyrovox.io.scratch import Scratch
        from gyrovox.tomography.denoising import denoise_into

        with staging(self.output.parent) as hidden:
            scratch = Scratch(hidden / "voxels", tomogram.spatial_shape)
            denoise_into(
                scratch,
                tomogram,
                denoiser,
                halves=halves,
                nan_policy=self.work.nan_policy,
                quiet=self.work.quiet,
            )
            cleaned = replace(tomogram, source=scratch.source(), name=f"denoised {tomogram.name}")
            io.write(cleaned, self.output, overwrite=self.work.overwrite)
