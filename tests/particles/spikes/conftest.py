"""Two virions with fourteen spikes each, and what is cut out of them."""

import numpy as np
import pytest
from drawn_virions import RADIUS_NM, VOXEL_NM, drawn_virions

from gyrovox.particles.spikes.panels import Panels
from gyrovox.particles.spikes.survey import Survey
from gyrovox.particles.spikes.virions import cut_virions
from gyrovox.settings.spikes import SpikeSettings
from gyrovox.volumes import ParticleTable, Volume


@pytest.fixture(scope="session")
def drawn():
    return drawn_virions(1)


@pytest.fixture(scope="session")
def spike_settings():
    return SpikeSettings()


@pytest.fixture(scope="session")
def tomogram(drawn):
    return Volume.from_array(drawn.image, voxel_size_nm=(VOXEL_NM,) * 3, name="drawn")


@pytest.fixture(scope="session")
def particles(drawn):
    # Picked a little beside the middles, with a diameter that is a little wrong.
    off = np.array([[1.5, -2.0, 2.0], [-2.5, 1.0, 1.5]])
    return ParticleTable(
        positions=(drawn.centres_nm + off) / VOXEL_NM,
        shape=drawn.image.shape,
        voxel_size_nm=VOXEL_NM,
        diameters_nm=np.full(2, 2 * RADIUS_NM + 9.0),
    )


@pytest.fixture(scope="session")
def virions(tomogram, particles, spike_settings):
    return cut_virions(tomogram, particles, spike_settings)


@pytest.fixture(scope="session")
def panels(virions):
    return Panels.of(virions)


@pytest.fixture(scope="session")
def survey(virions, spike_settings):
    return Survey.of(virions, spike_settings)
