"""What is written of spikes, from a discovery made by hand."""

import csv
import json

import numpy as np
import pytest
from drawn_virions import RADIUS_NM, VOXEL_NM, drawn_virions

from gyrovox import io
from gyrovox.cli.spike_results import WRITTEN, write_discovery
from gyrovox.clustering import SegmentationTree
from gyrovox.geometry.manifold import PoincareBall
from gyrovox.io.particle_files import read_particles
from gyrovox.particles.spikes.discovery import discovered
from gyrovox.particles.spikes.panels import Panels
from gyrovox.particles.spikes.virions import cut_virions
from gyrovox.segmentation import Segmentation
from gyrovox.settings.spikes import SpikeSettings
from gyrovox.volumes import ParticleTable, Volume


class Segmenter:
    """Stands in for a fitted one, of which only the model file and the space are asked."""

    class configuration_:  # noqa: N801
        class model:  # noqa: N801
            geometry = "poincare"
            curvature = -1.0

    @staticmethod
    def save(path):
        path.write_bytes(b"model")


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    drawn = drawn_virions(3, virions=1, noise=0.2)
    tomogram = Volume.from_array(drawn.image, voxel_size_nm=(VOXEL_NM,) * 3, name="drawn")
    particles = ParticleTable(
        positions=drawn.centres_nm / VOXEL_NM,
        shape=drawn.image.shape,
        voxel_size_nm=VOXEL_NM,
        diameters_nm=np.array([2 * RADIUS_NM + 4.0]),
    )
    settings = SpikeSettings()
    virions = cut_virions(tomogram, particles, settings)
    panels = Panels.of(virions)
    density = panels.density()
    # Two leaves: what is dense above the membrane, and all else.
    heights = panels.heights_nm()
    leaves = ((density > 1.5) & (heights > settings.lowest_nm)).astype(np.int32)
    sizes = np.bincount(leaves.reshape(-1), minlength=2)
    tree = SegmentationTree(
        leaves=leaves,
        parents=np.array([2, 2, 2], np.int32),
        altitudes=np.array([0.0, 0.0, 1.0]),
        sizes=np.array([*sizes, sizes.sum()]),
        codes=np.zeros((3, 2), np.float32),
        spreads=np.zeros(3, np.float32),
        contrasts=np.zeros(3, np.float32),
        curvature=-1.0,
        voxel_size_nm=(VOXEL_NM,) * 3,
    )
    codes = np.stack([0.1 * density, 0.0 * density], axis=-1).astype(np.float32)
    segmentation = Segmentation(levels={2: tree.cut(2).labels}, codes=codes, tree=tree)
    discovery = discovered(virions, panels, segmentation, PoincareBall(), settings=settings)
    folder = tmp_path_factory.mktemp("written")
    timings_s = {}
    write_discovery(
        folder,
        discovery,
        particles,
        Segmenter(),
        settings=settings,
        facts={"tomogram": "drawn.mrc"},
        timings_s=timings_s,
    )
    return folder, discovery, timings_s


def test_all_that_is_promised_is_there_and_nothing_else(written):
    folder, _, timings_s = written
    assert sorted(path.name for path in folder.iterdir()) == sorted(WRITTEN)
    assert {"write", "overview", "picture"} <= set(timings_s)


def test_the_tables_say_what_was_found(written):
    folder, discovery, _ = written
    found = discovery.learned
    with (folder / "counts.csv").open(encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert int(row["listed"]) == len(found.peaks) == len(read_particles(folder / "spikes.star"))
    assert (int(row["low"]), int(row["high"])) == (found.counts.lows[0], found.counts.highs[0])
    assert int(row["count_by_density"]) == round(float(discovery.plain.counts.estimates[0]))
    assert row["clipped"] == "0"


def test_the_node_of_the_dense_shell_was_chosen(written):
    folder, _, _ = written
    evidence = json.loads((folder / "spikes.json").read_text(encoding="utf-8"))
    assert evidence["node"]["nodes"] == [2]  # the second leaf, counted from 1
    assert evidence["peaks"]["decoys"] > 20


def test_pieces_are_labels_over_the_panels(written):
    folder, discovery, _ = written
    pieces = io.read(folder / "spikes.mrc").read()[0]
    np.testing.assert_array_equal(pieces, discovery.learned.pieces)
