"""Virions side by side: what is joined can be taken apart again."""

import numpy as np

from gyrovox.particles.spikes.panels import Panels


def test_panels_do_not_overlap_and_give_their_parts_back(virions):
    panels = Panels.of((*virions, virions[0]))
    density = panels.density()
    assert density.shape == panels.shape
    for part, virion in zip(panels.parts(density), panels.virions, strict=True):
        np.testing.assert_array_equal(part, virion.density)
    marked = panels.joined(tuple(np.ones(v.density.shape, np.int64) for v in panels.virions))
    assert marked.sum() == sum(v.density.size for v in panels.virions)


def test_what_is_between_virions_is_outside(virions):
    panels = Panels.of((*virions, virions[0]))  # three of four places
    empty = panels.joined(
        tuple(np.zeros(v.density.shape, bool) for v in panels.virions), elsewhere=True
    )
    assert empty.any()
    assert not panels.inside()[empty].any()
    assert np.isinf(panels.heights_nm()[empty]).all()


def test_the_volume_says_how_large_its_voxels_are(panels):
    volume = panels.volume("name")
    assert volume.name == "name"
    assert volume.voxel_size_nm == (3.0, 3.0, 3.0)
