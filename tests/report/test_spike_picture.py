"""The picture of spikes: it is there, as large as its virions ask, and marks what was found."""

import matplotlib.image
import numpy as np
import pytest
from drawn_virions import RADIUS_NM, VOXEL_NM, drawn_virions

from gyrovox.geometry.manifold import PoincareBall
from gyrovox.particles.spikes.discovery import discovered
from gyrovox.particles.spikes.panels import Panels
from gyrovox.particles.spikes.virions import cut_virions
from gyrovox.report.spike_picture import spike_picture
from gyrovox.segmentation import Segmentation
from gyrovox.settings.spikes import SpikeSettings
from gyrovox.volumes import ParticleTable, Volume

SPIKE = np.array([0xE0, 0x59, 0x2A]) / 255


@pytest.fixture(scope="module")
def discovery():
    drawn = drawn_virions(4, virions=1, noise=0.2)
    tomogram = Volume.from_array(drawn.image, voxel_size_nm=(VOXEL_NM,) * 3)
    particles = ParticleTable(
        positions=drawn.centres_nm / VOXEL_NM,
        shape=drawn.image.shape,
        voxel_size_nm=VOXEL_NM,
        diameters_nm=np.array([2 * RADIUS_NM + 4.0]),
    )
    virions = cut_virions(tomogram, particles, SpikeSettings())
    panels = Panels.of(virions)
    codes = 0.1 * np.repeat(panels.density()[..., None], 2, axis=-1)
    return discovered(
        virions, panels, Segmentation({}, codes), PoincareBall(), settings=SpikeSettings()
    )


def marked(path):
    """Pixels in the colour of the marks."""
    picture = matplotlib.image.imread(path)[..., :3]
    return (np.abs(picture - SPIKE).max(axis=-1) < 0.05).sum(), picture.shape


def test_spikes_are_marked(discovery, tmp_path):
    spike_picture(discovery, tmp_path / "spikes.png", title="Spikes of a drawing")
    pixels, shape = marked(tmp_path / "spikes.png")
    assert pixels > 30 * len(discovery.learned.peaks)
    assert shape[1] > 1000


def test_the_same_spikes_give_the_same_bytes(discovery, tmp_path):
    for name in ("one.png", "same.png"):
        spike_picture(discovery, tmp_path / name, title="Spikes")
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "same.png").read_bytes()
