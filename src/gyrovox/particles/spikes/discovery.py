"""From a tomogram and its virions to spikes, counted with an interval."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import final

import numpy as np
import torch
from jaxtyping import Bool, Float32, Float64, Int32, Int64

from gyrovox.geometry.manifold import Manifold
from gyrovox.segmentation import Segmentation
from gyrovox.segmenter import HierarchicalSegmenter
from gyrovox.settings import Configuration
from gyrovox.settings.spikes import SpikeSettings
from gyrovox.volumes import ParticleTable, Volume

from .appearance import PeakScores, scored_by_density, scored_by_profile
from .directions import rotations_to
from .mixture import SpikeCounts, counted
from .panels import Panels
from .pieces import pieces_of, volumes_nm3
from .shell import Shell
from .spacing import Spacing, spacing_of
from .spike_nodes import NodeEvidence, evidence_of, nodes_mask, propose_nodes
from .survey import Peaks, Survey
from .virions import Virion, cut_virions

_REGIONS_PER_VIRION = 1024  # of some 60 voxels: a spike is a region or two
_MOST_REGIONS = 16384
_MARGIN_NM = 3.0  # above spikes, so that their tops have a background
_POSSIBLE = 0.05  # chance from which on a peak gets voxels
_SOME_CODES = 4000  # that their mean is taken of
_IN_NODE = 0.15  # share of a column that makes it one of the node's


@final
@dataclass(frozen=True, eq=False, kw_only=True)
class FoundSpikes:
    """Spikes of all virions, and how many there are.

    Args:
        peaks: Where spikes stand, virion by virion.
        chances: How likely each is one.
        volumes_nm3: Volume of each, in nm³.
        counts: Numbers on each whole virion, with intervals.
        scores: What they were chosen by.
        pieces: Number of the spike, from 1, of every voxel of the panels; 0 elsewhere.
        dropped: Peaks that were left out for their size.
    """

    peaks: Peaks = field(repr=False)
    chances: Float64[np.ndarray, " n"]
    volumes_nm3: Float64[np.ndarray, " n"]
    counts: SpikeCounts
    scores: PeakScores = field(repr=False)
    pieces: Int32[np.ndarray, "z y x"] = field(repr=False)
    dropped: int

    def spacing(self, virion: int) -> Spacing:
        """Distances between the spikes of one virion."""
        mine = self.peaks.owners == virion
        membrane = self.peaks.shells[virion].virion.membrane
        return spacing_of(membrane, self.peaks.directions[mine])

    def table(self, particles: ParticleTable, settings: SpikeSettings) -> ParticleTable:
        """The spikes as particles of the tomogram that the virions are particles of.

        Args:
            particles: The virions.
            settings: What spikes are like.

        Returns:
            Centres, half a spike's height above the membrane; rotations that take +z to the
            membrane's normal; chances as scores; virions' rows as parents.
        """
        peaks = self.peaks
        positions = np.zeros((len(peaks), 3))
        for number, shell in enumerate(peaks.shells):
            mine = peaks.owners == number
            directions = shell.directions[peaks.columns[mine]]
            positions[mine] = shell.virion.membrane.points_nm(directions, settings.centre_nm)
        rows = np.array([shell.virion.row for shell in peaks.shells], np.int64)
        return ParticleTable(
            positions=positions / particles.voxel_size_nm,
            shape=particles.shape,
            voxel_size_nm=particles.voxel_size_nm,
            tomogram=particles.tomogram,
            rotations=rotations_to(peaks.normals),
            scores=self.chances,
            classes=("spike",) * len(peaks),
            diameters_nm=np.full(len(peaks), settings.height_nm),
            parents=rows[peaks.owners],
        )


@final
@dataclass(frozen=True, eq=False, kw_only=True)
class SpikeDiscovery:
    """Virions, their segmentation, and what was found with it and without.

    Args:
        survey: Virions and the peaks of their shells.
        panels: The virions side by side, as they were segmented.
        segmentation: Their segmentation.
        nodes: Nodes that may be the spikes, the likeliest first.
        chosen: The one that was taken; None where there was none.
        learned: Spikes found by how they look in the codes.
        plain: Spikes found by their density alone.
    """

    survey: Survey = field(repr=False)
    panels: Panels = field(repr=False)
    segmentation: Segmentation = field(repr=False)
    nodes: tuple[NodeEvidence, ...]
    chosen: NodeEvidence | None
    learned: FoundSpikes
    plain: FoundSpikes


def discover_spikes(
    tomogram: Volume,
    particles: ParticleTable,
    segmenter: HierarchicalSegmenter,
    *,
    settings: SpikeSettings | None = None,
    nodes: Sequence[int] = (),
    is_fitted: bool = False,
    seed: int = 0,
    quiet: bool = True,
) -> SpikeDiscovery:
    """Find and count the spikes of a tomogram's virions, without labels.

    Args:
        tomogram: One channel, cubic voxels.
        particles: The virions, all of this tomogram.
        segmenter: What learns; `suited` has a configuration for it.
        settings: What spikes are like; None for the defaults.
        nodes: Nodes of the tree that are the spikes; none to have them proposed.
        is_fitted: Whether the segmenter has learned already; if not, it learns from the virions.
        seed: Of what is drawn besides the learning.
        quiet: Show no progress.

    Returns:
        What was found.

    Raises:
        ParticleError: If there is no virion, one lies outside, or the tomogram has channels.
        VoxelSizeError: If tomogram, particles and model differ in their voxels.
        TreeError: If a node is not there.
    """
    chosen_settings = settings or SpikeSettings()
    virions = cut_virions(tomogram, particles, chosen_settings, quiet=quiet)
    panels = Panels.of(virions)
    volume = panels.volume(tomogram.name)
    if not is_fitted:
        segmenter.fit(volume)
    segmentation = segmenter.segment(
        volume, (2, 4, 8), inside=segmented_voxels(panels, chosen_settings)
    )
    return discovered(
        virions,
        panels,
        segmentation,
        segmenter.vae_.manifold,
        settings=chosen_settings,
        nodes=nodes,
        seed=seed,
    )


def segmented_voxels(panels: Panels, settings: SpikeSettings) -> Bool[np.ndarray, "z y x"]:
    """Voxels of the virions that a tree is made of: up to a little above the spikes."""
    inside = panels.inside() & (panels.heights_nm() <= settings.highest_nm + _MARGIN_NM)
    return np.asarray(inside)


def suited(configuration: Configuration, virions: int) -> Configuration:
    """A configuration whose tree begins with regions small enough for spikes.

    Args:
        configuration: Any one.
        virions: How many there are.

    Returns:
        The same, with a thousand regions for each virion.
    """
    regions = min(_REGIONS_PER_VIRION * max(virions, 1), _MOST_REGIONS)
    segmentation = replace(configuration.segmentation, regions=regions, clustering="tree")
    return replace(configuration, segmentation=segmentation)


def discovered(
    virions: tuple[Virion, ...],
    panels: Panels,
    segmentation: Segmentation,
    manifold: Manifold,
    *,
    settings: SpikeSettings,
    nodes: Sequence[int] = (),
    seed: int = 0,
) -> SpikeDiscovery:
    """What a segmentation of virions says of their spikes.

    Args:
        virions: The virions.
        panels: The same side by side.
        segmentation: Of the panels, with a tree.
        manifold: The space of its codes.
        settings: What spikes are like.
        nodes: Nodes of the tree that are the spikes; none to have them proposed.
        seed: Of what is drawn.

    Returns:
        What was found.

    Raises:
        TreeError: If a node is not there.
    """
    survey = Survey.of(virions, settings)
    proposed: tuple[NodeEvidence, ...] = ()
    chosen, mask = None, None
    tree = segmentation.tree
    if tree is not None:
        proposed = propose_nodes(tree, panels.heights_nm(), panels.density(), settings)
        chosen = proposed[0] if proposed else None
        if nodes:
            chosen = evidence_of(tree, nodes, panels.heights_nm(), panels.density(), settings)
        mask = None if chosen is None else nodes_mask(tree, chosen.nodes)
    plain = scored_by_density(
        survey.candidates.scored(), survey.decoys.scored(), virions=len(virions)
    )
    features = looks(panels, segmentation.codes, manifold)
    learned = scored_by_profile(
        survey.candidates.profiles(features),
        survey.decoys.profiles(features),
        first=plain,
        start=None if mask is None else in_node(survey.candidates, panels, mask),
        seed=seed,
    )
    return SpikeDiscovery(
        survey=survey,
        panels=panels,
        segmentation=segmentation,
        nodes=proposed,
        chosen=chosen,
        learned=found_spikes(survey, panels, learned, settings, node=mask, seed=seed),
        plain=found_spikes(survey, panels, plain, settings, node=None, seed=seed),
    )


def found_spikes(
    survey: Survey,
    panels: Panels,
    scores: PeakScores,
    settings: SpikeSettings,
    *,
    node: Bool[np.ndarray, "z y x"] | None,
    seed: int,
) -> FoundSpikes:
    """The spikes among peaks, by their scores and sizes, and their number on each virion.

    Args:
        survey: The peaks.
        panels: The virions side by side.
        scores: Of the peaks.
        settings: What spikes are like.
        node: Voxels that a segmentation takes for spikes; None for none.
        seed: Of what is drawn.

    Returns:
        As many of the likeliest peaks of each virion as are expected to be spikes.
    """
    candidates = survey.candidates
    chances = scores.mixture.chances(scores.candidates)
    possible = np.flatnonzero(chances >= _POSSIBLE)
    which = np.zeros(len(candidates), np.bool_)
    which[possible] = True
    pieces = pieces_of(panels, candidates.chosen(which), settings, node=node)
    volumes = np.zeros(len(candidates))
    volumes[possible] = volumes_nm3(pieces, len(possible), panels.voxel_size_nm)
    fits = (volumes >= settings.smallest_nm3) & (volumes <= settings.largest_nm3)
    kept = ~which | fits
    room = survey.room(settings)
    counts = counted(
        scores.mixture,
        scores.candidates.chosen(kept),
        scores.decoys,
        room,
        confidence=settings.confidence,
        seed=seed,
    )
    expected = np.rint(counts.estimates * room.seen).astype(np.int64)
    listed = _likeliest(np.where(kept, chances, 0.0), candidates.owners, expected)
    numbers = np.zeros(len(candidates) + 1, np.int32)
    numbers[listed + 1] = np.arange(1, len(listed) + 1)
    of_piece = np.concatenate([[0], numbers[possible + 1]]).astype(np.int32)
    taken = np.zeros(len(candidates), np.bool_)
    taken[listed] = True
    return FoundSpikes(
        peaks=candidates.chosen(taken),
        chances=chances[taken],
        volumes_nm3=volumes[taken],
        counts=counts,
        scores=scores,
        pieces=of_piece[pieces],
        dropped=int((which & ~fits & (chances > 0.5)).sum()),
    )


def looks(
    panels: Panels, codes: Float32[np.ndarray, "z y x dim"], manifold: Manifold
) -> tuple[Float32[np.ndarray, "_ _ _ channels"], ...]:
    """What voxels look like, in codes and in density, over each virion.

    Args:
        panels: The virions side by side.
        codes: Of the panels' voxels.
        manifold: Their space.

    Returns:
        Maps of shape (z, y, x, dim + 1): codes carried to the origin, and density.
    """
    carried = tangent_codes(codes, manifold)
    return tuple(panels.parts(np.concatenate([carried, panels.density()[..., None]], axis=-1)))


def tangent_codes(
    codes: Float32[np.ndarray, "z y x dim"], manifold: Manifold
) -> Float32[np.ndarray, "z y x dim"]:
    """Codes carried so that their mean is the origin, where vectors may be averaged.

    Args:
        codes: Of every voxel.
        manifold: Their space.

    Returns:
        Vectors of the same shape.
    """
    flat = torch.from_numpy(np.ascontiguousarray(codes.reshape(-1, codes.shape[-1]))).double()
    mean = manifold.frechet_mean(flat[:: max(1, len(flat) // _SOME_CODES)])
    return manifold.code_add(-mean, flat).reshape(codes.shape).float().numpy()


def in_node(
    peaks: Peaks, panels: Panels, mask: Bool[np.ndarray, "z y x"]
) -> Float64[np.ndarray, " n"]:
    """Which peaks' columns run through a node, 1 or 0, shape (n,)."""
    found = np.zeros(len(peaks))
    for number, (shell, part) in enumerate(zip(peaks.shells, panels.parts(mask), strict=True)):
        mine = peaks.owners == number
        found[mine] = _share(shell, part)[peaks.columns[mine]] >= _IN_NODE
    return found


def _share(shell: Shell, mask: Bool[np.ndarray, "z y x"]) -> Float64[np.ndarray, " n"]:
    """Share of each column of a shell that lies in a mask."""
    return np.asarray(np.nan_to_num(shell.columns(mask.astype(np.float32))).mean(axis=1))


def _likeliest(
    chances: Float64[np.ndarray, " n"],
    owners: Int64[np.ndarray, " n"],
    expected: Int64[np.ndarray, " virions"],
) -> Int64[np.ndarray, " listed"]:
    """As many of the likeliest peaks of each virion as are expected, in their order."""
    listed = []
    for virion, count in enumerate(expected.tolist()):
        mine = np.flatnonzero((owners == virion) & (chances > 0))
        best = mine[np.lexsort((mine, -chances[mine]))][:count]
        listed.append(np.sort(best))
    return np.concatenate(listed) if listed else np.zeros(0, np.int64)
