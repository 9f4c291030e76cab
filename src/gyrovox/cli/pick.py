"""`gyrovox pick`: the particles of a tomogram."""

import math
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, final

from tyro.conf import Positional, arg

from gyrovox.cli.command import Command, WorkOptions
from gyrovox.cli.inputs import files_of
from gyrovox.cli.outputs import check_absent, check_inputs_stay, check_space, made
from gyrovox.cli.terminal import note, say
from gyrovox.errors import ParticleError, SettingsError

if TYPE_CHECKING:
    from gyrovox.particles.detector import ParticleDetector
    from gyrovox.volumes import ParticleTable, Volume

_ONLY_FOR = {
    "model_file": ("retinanet",),
    "classes": ("retinanet",),
    "diameter_nm": ("dog", "template"),
    "name": ("dog", "template"),
    "template": ("template",),
}


@final
@dataclass(frozen=True, kw_only=True)
class Pick(Command):
    """Find the particles of a tomogram: by a detector, or a classic picker.

    `retinanet` finds what its detector was trained on, by default the virions of the detector
    that comes with gyrovox. `dog` finds balls of one size, `template` what looks like a map.
    """

    tomogram: Annotated[str, Positional, arg(metavar="TOMOGRAM")]
    """Tomogram to look into: one file."""

    output: Annotated[Path, arg(aliases=["-o"], metavar="PARTICLES.star")]
    """Particles to write: .star (RELION 5), .tbl (Dynamo), .mod (IMOD) or .csv."""

    method: Literal["retinanet", "dog", "template"] = "retinanet"
    """Trained detector, difference of Gaussians, or template matching."""

    model_file: Annotated[Path | None, arg(aliases=["-m"], metavar="DETECTOR.safetensors")] = None
    """`retinanet`: detector that `gyrovox train-detector` wrote, instead of the one for virions
    that comes with gyrovox."""

    classes: Annotated[tuple[str, ...], arg(metavar="NAME...")] = ()
    """`retinanet`: classes to keep; all that the detector knows, if none is given."""

    threshold: float | None = None
    """Score from which a particle counts: from 0 to 1 for `retinanet`, whose detector knows a good
    one; standard deviations above the usual for the others, 3 for `dog` and 5 for `template`."""

    diameter_nm: float | None = None
    """`dog`, `template`: diameter of the particles."""

    template: Annotated[Path | None, arg(metavar="MAP.mrc")] = None
    """`template`: density map of the particle, dense matter bright."""

    tilt_range: Annotated[tuple[float, float], arg(metavar="FIRST LAST")] = (-60.0, 60.0)
    """`template`: first and last tilt of the series that the tomogram comes from, in degrees."""

    angular_step: Annotated[float, arg(metavar="DEGREES")] = 15.0
    """`template`: angle from one turn of the map to the next; 360 takes it as it is."""

    name: str | None = None
    """`dog`, `template`: class to call the particles."""

    contrast: Literal["dark", "bright"] = "dark"
    """What dense matter is in the tomogram: dark, as a detector gives it, or bright."""

    voxel_size_nm: Annotated[float | None, arg(metavar="NM")] = None
    """Side of the tomogram's voxels, where its file says none or a wrong one."""

    work: Annotated[WorkOptions, arg(name="")] = field(default_factory=WorkOptions)

    def run(self) -> None:
        self._check()
        # Imported here so that `--help` waits for no library.
        from gyrovox import devices, io
        from gyrovox.io.particle_files import particle_dialect, write_particles

        particle_dialect(self.output)
        tomogram = io.read(self.tomogram)
        if self.voxel_size_nm is not None:
            tomogram = tomogram.with_voxel_size((self.voxel_size_nm,) * 3)
        check_space(self.output.parent, 2**20)
        devices.limit_threads(self.work.threads)
        found = replace(self._found(tomogram), tomogram="-".join(io.stem(self.tomogram).split()))
        with made(self.output.parent):
            write_particles(
                found, self.output, tilt_range=self.tilt_range, overwrite=self.work.overwrite
            )
        say(f"{_counted(found)} in {self.tomogram}")
        note(f"the particles are in {self.output}", quiet=self.work.quiet)

    def _check(self) -> None:
        """Refuse what cannot be done, before any work.

        Raises:
            SettingsError: If what the method needs is missing, or what it has no use for is given.
        """
        given = {
            "model_file": self.model_file is not None,
            "classes": bool(self.classes),
            "diameter_nm": self.diameter_nm is not None,
            "name": self.name is not None,
            "template": self.template is not None,
        }
        for option, is_given in given.items():
            if is_given and self.method not in _ONLY_FOR[option]:
                raise SettingsError(
                    f"--{option.replace('_', '-')} belongs to --method "
                    f"{' or '.join(_ONLY_FOR[option])}, and --method is {self.method}. Leave it "
                    f"away."
                )
        if self.method != "retinanet" and self.diameter_nm is None:
            raise SettingsError(
                f"--method {self.method} must know how large the particles are. Pass --diameter-nm."
            )
        if self.method == "template" and self.template is None:
            raise SettingsError("--method template must know what to look for. Pass --template.")
        if self.voxel_size_nm is not None and not 0 < self.voxel_size_nm < math.inf:
            raise SettingsError(f"--voxel-size-nm must be positive, got {self.voxel_size_nm:g}.")
        check_absent([self.output], overwrite=self.work.overwrite)
        inputs = [self.tomogram, *([] if self.template is None else [str(self.template)])]
        check_inputs_stay(files_of(inputs), [self.output])

    def _found(self, tomogram: "Volume") -> "ParticleTable":
        match self.method:
            case "retinanet":
                return self._detected(tomogram)
            case "dog":
                return self._balls(tomogram)
            case "template":
                return self._matches(tomogram)

    def _detected(self, tomogram: "Volume") -> "ParticleTable":
        """What the detector finds, of the classes that were asked for.

        Raises:
            ParticleError: If the detector does not know a class.
        """
        import numpy as np

        detector = self._detector()
        known = detector.settings.classes
        unknown = [name for name in self.classes if name not in known]
        if unknown:
            raise ParticleError(
                f"--classes must be some of those that the detector knows, {', '.join(known)}, and "
                f"{unknown[0]!r} came."
            )
        found = detector.detect(
            tomogram,
            threshold=self.threshold,
            contrast=self.contrast,
            nan_policy=self.work.nan_policy,
            device=self.work.device,
            quiet=self.work.quiet,
        )
        wanted = self.classes or known
        rows = [row for row, name in enumerate(found.classes or ()) if name in wanted]
        return found.chosen(np.asarray(rows, np.int64))

    def _detector(self) -> "ParticleDetector":
        from gyrovox.particles.detector import ParticleDetector, virion_detector

        if self.model_file is None:
            return virion_detector()
        return ParticleDetector.load(self.model_file)

    def _balls(self, tomogram: "Volume") -> "ParticleTable":
        from gyrovox.particles.picking import pick_by_difference_of_gaussians

        return pick_by_difference_of_gaussians(
            tomogram,
            diameter_nm=float(self.diameter_nm or 0),
            threshold=3.0 if self.threshold is None else self.threshold,
            contrast=self.contrast,
            nan_policy=self.work.nan_policy,
            name=self.name,
            quiet=self.work.quiet,
        )

    def _matches(self, tomogram: "Volume") -> "ParticleTable":
        from gyrovox import io
        from gyrovox.particles.picking import TemplateSearch, pick_by_template

        search = TemplateSearch(
            diameter_nm=float(self.diameter_nm or 0),
            tilt_degrees=self.tilt_range,
            angular_step_degrees=self.angular_step,
            threshold=5.0 if self.threshold is None else self.threshold,
        )
        return pick_by_template(
            tomogram,
            io.read(str(self.template)),
            search,
            contrast=self.contrast,
            nan_policy=self.work.nan_policy,
            name=self.name,
            device=self.work.device,
            quiet=self.work.quiet,
        )


def _counted(found: "ParticleTable") -> str:
    """How many particles there are, in words."""
    if found.classes is None:
        return f"{len(found)} particles"
    counts = Counter(found.classes)
    named = ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
    return f"{len(found)} particles ({named})" if named else "no particles"
