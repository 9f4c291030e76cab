"""Sub-volume averaging: a structure from many noisy copies, each without its missing wedge.

All particles are cut out as their reference is believed to stand, so that small turns are tried
for all of them alike, and only the wedge differs from one to the next. Two halves of the particles
are aligned to two references that know nothing of each other.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import final

import numpy as np
import torch
from jaxtyping import Bool, Float32, Float64
from torch import Tensor

from gyrovox.errors import ParticleError, VolumeMismatchError
from gyrovox.settings.averaging import AveragingRecipe
from gyrovox.tomography.fourier_shell import FourierShellCorrelation, fourier_shell_correlation
from gyrovox.volumes import ParticleTable, Volume

from ..picking.tomogram_grid import Contrast, cubic_voxel_size_nm
from ..subvolumes import SubvolumeSampler, check_tomogram_of
from .averaging_state import AveragingState
from .map_filters import GOLD_STANDARD, filtered, resampled, resolved_frequency, soft_ball
from .particle_stack import ParticleStack
from .pose_search import PoseSearch
from .prior_frame import in_prior_frame
from .reference_growth import grown_reference
from .rotation_grids import local_rotations, spins_about_axis

_FEWEST = 4
_NYQUIST = 0.5


@final
@dataclass(frozen=True, eq=False, kw_only=True)
class Average:
    """What an averaging gives.

    Args:
        volume: Of all particles, filtered by what the halves agree on; dense matter bright.
        halves: Unfiltered averages of the halves, shape (2, box, box, box).
        mask: What was looked at, 0 to 1.
        correlation: Of the halves in the mask.
        particles: The particles with their new poses and scores; those without a box are gone.
        second: Which of them are of the second half, shape (n,).
        voxel_size_nm: Side of a voxel.
    """

    volume: Float32[np.ndarray, "box box box"]
    halves: Float32[np.ndarray, "2 box box box"]
    mask: Float32[np.ndarray, "box box box"]
    correlation: FourierShellCorrelation
    particles: ParticleTable
    second: Bool[np.ndarray, " n"]
    voxel_size_nm: float

    def resolution_nm(self, threshold: float = GOLD_STANDARD) -> float:
        """Length of the wave at which the halves' correlation first falls below a threshold.

        It is the side of the box where they agree on nothing.
        """
        coarsest = 1 / len(self.volume)
        frequency = max(resolved_frequency(self.correlation, threshold), coarsest)
        return self.voxel_size_nm / frequency

    def write_correlation(self, path: Path) -> None:
        """Write the halves' correlation as a table, .csv, a shell a row."""
        curve = self.correlation
        waves = np.divide(
            self.voxel_size_nm,
            curve.frequencies,
            out=np.full(len(curve.frequencies), np.inf),
            where=curve.frequencies > 0,
        )
        rows = zip(curve.frequencies, waves, curve.correlations, strict=True)
        lines = [f"{frequency:.6f},{wave:.4f},{value:.6f}" for frequency, wave, value in rows]
        text = "\n".join(["cycles_per_voxel,wavelength_nm,correlation", *lines])
        path.write_text(f"{text}\n", encoding="ascii", newline="\n")


@final
class Averager:
    """Aligns and averages the particles of one tomogram.

    `start` gives a state, `improved` a better one, `finished` the average of one.

    Args:
        tomogram: One channel.
        table: Its particles; their rotations say at least where the reference's axis points.
        recipe: How.
        contrast: Whether dense matter is dark in the tomogram or bright.
        device: Where to compare; the CPU by default.
        quiet: Show no progress.

    Raises:
        SettingsError: If the box does not fit the tomogram.
        ParticleError: If the particles are of another tomogram, have no rotations, or too few of
            them lie far enough from the border.
        VoxelSizeError: If the tomogram's voxels are not cubic, or of unknown size.
    """

    def __init__(
        self,
        tomogram: Volume,
        table: ParticleTable,
        recipe: AveragingRecipe | None = None,
        *,
        contrast: Contrast = "dark",
        device: torch.device | None = None,
        quiet: bool = True,
    ) -> None:
        check_tomogram_of(table, tomogram)
        if table.rotations is None:
            raise ParticleError(
                "particles that are averaged must have rotations, at least the direction of the "
                "membrane's normal, and these have none. `gyrovox spikes` gives them."
            )
        self.recipe = AveragingRecipe() if recipe is None else recipe
        self._table, self._rotations = table, table.rotations
        self._voxel_size_nm = cubic_voxel_size_nm(tomogram)
        self._box = self.recipe.box(self._voxel_size_nm)
        sampler = SubvolumeSampler(tomogram, box=self._box, contrast=contrast)
        self._rows = np.flatnonzero(sampler.has(table.positions))
        if len(self._rows) < _FEWEST:
            raise ParticleError(
                f"at least {_FEWEST} particles must lie half a box of {self.recipe.box_nm:g} nm "
                f"from the tomogram's border, and {len(self._rows)} of {len(table)} do. Pick more, "
                f"or take a smaller box."
            )
        self._spins = spins_about_axis(self.recipe.fold)
        self._mask = soft_ball(self._box, self.recipe.mask_radius(self._voxel_size_nm))
        self._stack = ParticleStack(
            sampler,
            self.recipe.tilt_range,
            self._spins,
            device=torch.device("cpu") if device is None else device,
            quiet=quiet,
        )

    @property
    def skipped(self) -> int:
        """Particles too close to the tomogram's border."""
        return len(self._table) - len(self._rows)

    def start(self, reference: Volume | None = None) -> AveragingState:
        """The state before any alignment.

        Args:
            reference: What the particles look like, in voxels of any size, dense matter bright;
                None takes their average where their spin is known, and else grows one.

        Returns:
            The state.

        Raises:
            VolumeMismatchError: If the reference is smaller than the mask.
            VoxelSizeError: If its voxels are not cubic, or of unknown size.
        """
        count, box = len(self._rows), self._box
        second = np.zeros(count, np.bool_)
        drawn = np.random.default_rng(self.recipe.seed).permutation(count)
        second[drawn[: count // 2]] = True
        state = AveragingState(
            iteration=0,
            rows=self._rows,
            second=second,
            positions=self._table.positions[self._rows],
            rotations=self._rotations[self._rows],
            scores=np.zeros(count),
            halves=np.zeros((2, box, box, box), np.float32),
            seen=np.ones((box, box, box // 2 + 1), np.float32),
            cutoff=self._first_cutoff,
            grown=reference is None,
        )
        if reference is not None:
            first = self._fitted(reference)
        elif self.recipe.search_spin:
            first = grown_reference(
                self._stack,
                state,
                self._turns(0),
                self._spins,
                self._mask,
                shift=self._shift,
                seed=self.recipe.seed,
            )
        else:
            first = self._stack.sum_of(state, np.ones(count, np.bool_)).average().cpu().numpy()
        return replace(state, halves=np.stack([first, first]))

    def improved(self, state: AveragingState) -> AveragingState:
        """The state after one more alignment of all particles, each half to its own reference."""
        turns = self._turns(state.iteration)
        aligned = state
        for half in (0, 1):
            rows = np.flatnonzero(state.second == bool(half))
            search = self._search(state, self._reference(state, half), turns)
            what = f"alignment {state.iteration + 1}, half {half + 1}"
            found = self._stack.found(state, rows, search, what)
            aligned = aligned.moved_as(rows, turns, found)
        if state.iteration:
            aligned = self._in_one_frame(state, aligned)
        if state.grown:
            aligned = in_prior_frame(aligned, self._table, symmetric=self.recipe.fold > 1)
        sums = [self._stack.sum_of(aligned, aligned.second == half) for half in (False, True)]
        seen = torch.minimum(sums[0].seen(), sums[1].seen())
        averaged = replace(
            aligned,
            iteration=state.iteration + 1,
            halves=np.stack([each.average().cpu().numpy() for each in sums]),
            seen=seen.cpu().numpy(),
        )
        agreed = resolved_frequency(self._correlation(averaged), GOLD_STANDARD)
        return replace(averaged, cutoff=min(_NYQUIST, max(agreed, self._first_cutoff)))

    def finished(self, state: AveragingState) -> Average:
        """What a state gives that has been aligned at least once."""
        correlation = self._correlation(state)
        both = torch.from_numpy(self.halves_together(state)).to(self._stack.device)
        return Average(
            volume=filtered(both, correlation).cpu().numpy(),
            halves=state.halves,
            mask=self._mask,
            correlation=correlation,
            particles=replace(
                self._table.chosen(state.rows),
                positions=state.positions,
                rotations=state.rotations,
                scores=state.scores,
            ),
            second=state.second,
            voxel_size_nm=self._voxel_size_nm,
        )

    def halves_together(self, state: AveragingState) -> Float32[np.ndarray, "box box box"]:
        """The average of all particles of a state, unfiltered; dense matter bright."""
        first, second = (self._stack.sum_of(state, state.second == half) for half in (False, True))
        return (first + second).average().cpu().numpy()

    @property
    def _shift(self) -> float:
        return self.recipe.shift_nm / self._voxel_size_nm

    @property
    def _first_cutoff(self) -> float:
        return min(_NYQUIST, self._voxel_size_nm / self.recipe.initial_resolution_nm)

    def _correlation(self, state: AveragingState) -> FourierShellCorrelation:
        return fourier_shell_correlation(state.halves[0], state.halves[1], mask=self._mask)

    def _reference(self, state: AveragingState, half: int) -> Float32[Tensor, "box box box"]:
        """What a half is aligned to: its own average, masked, and filtered as far as both agree."""
        volume = torch.from_numpy(state.halves[half]).to(self._stack.device)
        if state.iteration:
            volume = filtered(volume, self._correlation(state))
        return volume * torch.from_numpy(self._mask).to(volume)

    def _search(
        self,
        state: AveragingState,
        reference: Float32[Tensor, "box box box"],
        turns: Float64[np.ndarray, "turns 3 3"],
    ) -> PoseSearch:
        seen = torch.from_numpy(state.seen).to(reference)
        return PoseSearch(
            reference,
            None if bool((seen >= 1).all()) else seen,
            turns,
            cutoff=state.cutoff,
            shift=self._shift,
        )

    def _turns(self, iteration: int) -> Float64[np.ndarray, "turns 3 3"]:
        """What the alignment of an iteration, counted from 0, tries."""
        recipe, step = self.recipe, self.recipe.step_degrees(iteration)
        if iteration == 0 and recipe.search_spin:
            # A symmetric reference looks the same a part of a turn on: half of it to either side.
            lean, spin = recipe.lean_degrees, 180 / recipe.fold
        else:
            lean, spin = min(recipe.lean_degrees, 2 * step), 2 * step
        return local_rotations(step_degrees=step, lean_degrees=lean, spin_degrees=spin)

    def _in_one_frame(self, before: AveragingState, after: AveragingState) -> AveragingState:
        """The second half's poses in the frame of the first: its reference may have wandered."""
        step = self.recipe.last_step_degrees
        turns = local_rotations(step_degrees=step, lean_degrees=2 * step, spin_degrees=2 * step)
        search = self._search(before, self._reference(before, 0), turns)
        box = self._box
        everything = torch.ones(1, box, box, box // 2 + 1, device=self._stack.device)
        found = search.found_in(self._reference(before, 1)[None], everything)
        rows = np.flatnonzero(after.second)
        return after.moved(
            rows,
            np.repeat(turns[found.rotations], len(rows), axis=0),
            np.repeat(found.shifts, len(rows), axis=0),
            after.scores[rows],
        )

    def _fitted(self, reference: Volume) -> Float32[np.ndarray, "box box box"]:
        """A map in the voxels and the box of the particles, centre on centre.

        Raises:
            VolumeMismatchError: If it is smaller than the mask.
        """
        ratio = self._voxel_size_nm / cubic_voxel_size_nm(reference)
        needed = 2 * self.recipe.mask_radius(self._voxel_size_nm) * ratio
        if min(reference.spatial_shape) < needed:
            raise VolumeMismatchError(
                f"a reference must be as large as the mask, {needed:.0f} of its voxels, and "
                f"{reference.name} has {reference.spatial_shape} (z, y, x). Pass a smaller mask."
            )
        return resampled(reference.read()[0].astype(np.float32), ratio, self._box)
