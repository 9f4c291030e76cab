"""Surfaces of classes."""

import re
import sys
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from gyrovox.errors import MissingExtraError
from gyrovox.report.pictures import surfaces, write_surfaces
from gyrovox.report.pictures.surfaces import _Mask, _mesh, every_so_many
from gyrovox.results import hexadecimal, node_colours
from gyrovox.volumes import Volume
from gyrovox.volumes.source import slabs


def ball(shape=(30, 34, 38), centre=(14, 16, 20), radius=9.0):
    gaps = np.stack(np.indices(shape), axis=-1) - np.array(centre)
    return np.linalg.norm(gaps, axis=-1) <= radius


def parts(mesh):
    places = np.stack([mesh["x"], mesh["y"], mesh["z"]], axis=-1).astype(float)
    return places, np.stack([mesh["i"], mesh["j"], mesh["k"]], axis=-1)


def volume_of(places, faces):
    a, b, c = (places[faces[:, corner]] for corner in range(3))
    return abs(np.einsum("ij,ij->i", a, np.cross(b, c)).sum()) / 6


def test_a_ball_has_its_volume_and_its_place():
    sides = np.array([2.0, 1.0, 0.5])
    places, faces = parts(_mesh(_Mask("ball", "#000000", ball()), sides))
    assert volume_of(places, faces) == pytest.approx(ball().sum() * sides.prod(), rel=0.05)
    middle = (places.min(axis=0) + places.max(axis=0)) / 2
    np.testing.assert_allclose(middle, [20 * 0.5, 16 * 1.0, 14 * 2.0], atol=0.5)


@pytest.mark.parametrize("inside", [ball(), np.ones((5, 6, 7), bool)], ids=["ball", "full"])
def test_a_surface_is_closed_also_at_the_faces_of_the_volume(inside):
    _, faces = parts(_mesh(_Mask("", "", inside), np.ones(3)))
    edges = Counter(
        tuple(sorted(pair)) for a, b, c in faces.tolist() for pair in ((a, b), (b, c), (c, a))
    )
    assert set(edges.values()) == {2}


def test_a_single_voxel_still_has_a_surface():
    inside = np.zeros((5, 5, 5), bool)
    inside[2, 2, 2] = True
    places, _ = parts(_mesh(_Mask("", "", inside), np.ones(3)))
    np.testing.assert_allclose(places.mean(axis=0), 2, atol=1e-6)


def test_every_class_has_a_surface_and_what_is_around_the_others_is_hidden(result, one):
    figure = surfaces(result, one)
    assert [trace.name for trace in figure.data] == [f"class {one.label(k)}" for k in range(4)]
    assert figure.data[0].visible == "legendonly"
    assert figure.layout.scene.xaxis.title.text == "x (nm)"
    assert tuple(figure.layout.scene.zaxis.range) == (0, 48)


def test_chosen_nodes_are_shown_in_their_colours(result, one):
    figure = surfaces(result, one, nodes=(3, one.nodes[1]))
    assert [trace.name for trace in figure.data] == ["node 4", f"node {one.nodes[1] + 1}"]
    assert figure.data[0].color == hexadecimal(node_colours(result.trunk)[3])
    assert {trace.visible for trace in figure.data} == {True}


def test_surfaces_become_coarser_until_they_are_few_triangles(result, one, monkeypatch):
    module = sys.modules["gyrovox.report.pictures.surfaces"]
    fine = sum(len(trace.i) for trace in surfaces(result, one).data)
    monkeypatch.setattr(module, "_MOST_TRIANGLES", fine // 3)
    coarse = surfaces(result, one)
    assert sum(len(trace.i) for trace in coarse.data) <= fine // 3
    assert "every" in coarse.layout.title.text


def test_a_page_needs_no_network_and_a_name_is_no_markup(result, one, tmp_path):
    hostile = tmp_path / "<img src=x onerror=alert(1)>"
    hostile.mkdir()
    figure = surfaces(replace(result, path=hostile), one)
    write_surfaces(figure, tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<img src=x" not in text
    assert not re.search(r"""<(?:script|link|img)[^>]*(?:src|href)=["']?https?:""", text)
    assert 3e6 < len(text) < 10e6


def test_every_so_many_voxels_are_read_over_the_seams_of_slabs(monkeypatch):
    voxels = np.arange(31 * 8 * 9, dtype=np.uint16).reshape(31, 8, 9)
    module = sys.modules["gyrovox.report.pictures.surfaces"]
    monkeypatch.setattr(module, "slabs", lambda source: slabs(source, max_bytes=5 * 8 * 9 * 2))
    found, step = every_so_many(Volume.from_array(voxels), 10)
    assert step == 4
    np.testing.assert_array_equal(found, voxels[::4, ::4, ::4])


def test_without_plotly_it_says_which_extra_to_install(result, one, monkeypatch):
    module = sys.modules["gyrovox.report.pictures.surfaces"]
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"plotly must be .* Install gyrovox\[plot\]"):
        surfaces(result, one)
