"""Exports are those of the Python functions, byte for byte, and leave nothing behind."""

import asyncio
import json
import tempfile
import zipfile
from io import BytesIO

import pytest

from gyrovox.errors import EditError, RequestError
from gyrovox.results import (
    HandEdits,
    components,
    export_labels,
    export_mask,
    export_mesh,
    export_points,
    write_edits,
)
from gyrovox.viewer import exporting as module
from gyrovox.viewer.exporting import exported, read_order

FIRST = "/api/results/0/export"
NODES = [3, 40]


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch):
    """Where exports are made: nothing may be left there."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    assert list(folder.iterdir()) == []


@pytest.fixture
def result(opened):
    return opened.results[0]


def order_of(result, **content):
    return read_order(json.dumps(content).encode(), result)


@pytest.mark.parametrize("suffix", [".mrc", ".nii.gz", ".nii", ".tif", ".h5", None])
def test_labels_are_those_of_python(client, result, tmp_path, suffix):
    edits = HandEdits(names={3: "nucleus"}, colours={3: "#112233"})
    write_edits(result, edits, 0)
    got = client.post(FIRST, json={"what": "labels", "format": suffix})
    expected = export_labels(result, edits, tmp_path / f"mine{suffix or '.mrc'}")
    assert got.content == expected.read_bytes()
    assert f'"first-labels{suffix or ".mrc"}"' in got.headers["content-disposition"]


def test_labels_follow_the_edits_that_come_with_the_order(client, result, tmp_path):
    edits = {"revision": 0, "groups": [{"nodes": NODES, "name": "both", "colour": None}]}
    got = client.post(FIRST, json={"what": "labels", "format": ".nii", "edits": edits})
    ours = HandEdits.from_json(json.dumps(edits), result.trunk)
    assert got.content == export_labels(result, ours, tmp_path / "a.nii").read_bytes()
    assert got.content != export_labels(result, HandEdits(), tmp_path / "b.nii").read_bytes()


@pytest.mark.parametrize("suffix", [".mrc", ".nii.gz", ".tif"])
def test_masks_are_those_of_python(client, result, tmp_path, suffix):
    got = client.post(FIRST, json={"what": "mask", "nodes": NODES, "format": suffix})
    assert got.content == export_mask(result, NODES, tmp_path / f"mine{suffix}").read_bytes()
    assert f'"first-node-3-and-1-more-mask{suffix}"' in got.headers["content-disposition"]


@pytest.mark.parametrize("suffix", [".stl", ".obj", None])
def test_meshes_are_those_of_python(client, result, tmp_path, suffix):
    got = client.post(FIRST, json={"what": "mesh", "nodes": [40], "format": suffix})
    expected = export_mesh(result, [40], tmp_path / f"mine{suffix or '.stl'}")
    assert got.content == expected.read_bytes()
    assert f'"first-node-40-mesh{suffix or ".stl"}"' in got.headers["content-disposition"]


@pytest.mark.parametrize("suffix", [".csv", ".star", None])
def test_points_are_those_of_python_and_are_counted(client, result, tmp_path, suffix):
    got = client.post(FIRST, json={"what": "points", "nodes": NODES, "format": suffix})
    found = components(result, NODES)
    expected = export_points(found, tmp_path / f"mine{suffix or '.csv'}")
    assert got.content == expected.read_bytes()
    assert got.headers["x-gyrovox-count"] == str(found.count) != "0"


def test_a_volume_in_a_folder_is_sent_as_one_file(opened, tmp_path, result):
    sent = []
    for _ in range(2):
        got = opened.client().post(FIRST, json={"what": "labels", "format": ".ome.zarr"})
        assert '"first-labels.ome.zarr.zip"' in got.headers["content-disposition"]
        sent.append(got.content)
    assert sent[0] == sent[1]
    mine = export_labels(result, HandEdits(), tmp_path / "mine.ome.zarr")
    with zipfile.ZipFile(BytesIO(sent[0])) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    expected = {
        f"export.ome.zarr/{path.relative_to(mine).as_posix()}": path.read_bytes()
        for path in mine.rglob("*")
        if path.is_file()
    }
    assert content == expected


def test_the_usual_format_is_that_of_the_source(opened):
    result = opened.results[1]
    assert order_of(result, what="labels").suffix == ".nii.gz"
    assert order_of(result, what="mask", nodes=[0]).suffix == ".nii.gz"
    assert order_of(result, what="mesh", nodes=[0]).suffix == ".stl"
    assert order_of(result, what="points", nodes=[0]).suffix == ".csv"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "must be asked for in JSON"),
        (b"\xff", "must be asked for in JSON"),
        (b"[" * 200_000, "must be asked for in JSON"),
        (b"[]", "one of labels, mask, mesh, points"),
        (b"{}", "one of labels, mask, mesh, points"),
        (b'{"what": ["labels"]}', "one of labels, mask, mesh, points"),
        (b'{"what": "mask"}', "a list of at least one node"),
        (b'{"what": "mask", "nodes": []}', "a list of at least one node"),
        (b'{"what": "mask", "nodes": 3}', "a list of at least one node"),
        (b'{"what": "mask", "nodes": [-1]}', "numbers from 0 to"),
        (b'{"what": "mask", "nodes": [100000]}', "numbers from 0 to"),
        (b'{"what": "mask", "nodes": [true]}', "numbers from 0 to"),
        (b'{"what": "mask", "nodes": [1.0]}', "numbers from 0 to"),
        (b'{"what": "mask", "nodes": ["1"]}', "numbers from 0 to"),
        (b'{"what": "mask", "nodes": [1], "format": ".stl"}', "format of mask must be one of .mrc"),
        (b'{"what": "mesh", "nodes": [1], "format": ".mrc"}', "must be one of .stl, .obj"),
        (b'{"what": "points", "nodes": [1], "format": 3}', "must be one of .csv, .star"),
        (b'{"what": "labels", "format": "/../../x.mrc"}', "format of labels must be one of"),
        (b'{"what": "labels", "format": ".mrc/../../x.mrc"}', "format of labels must be one of"),
        (b'{"what": "labels", "format": [".mrc"]}', "format of labels must be one of"),
    ],
)
def test_an_order_that_is_none_is_refused(result, body, message):
    with pytest.raises(RequestError, match=message):
        read_order(body, result)


def test_edits_that_do_not_fit_are_refused(result):
    with pytest.raises(EditError, match="must"):
        order_of(result, what="labels", edits={"revision": 0, "cut": [0]})


def test_nodes_are_taken_once_and_in_order(result):
    assert order_of(result, what="mask", nodes=[9, 3, 9]).nodes == (3, 9)


def test_what_fails_leaves_nothing_behind(result, monkeypatch, temporary):
    def fail(_result, _nodes, path):
        path.write_text("half")
        assert len(list(temporary.iterdir())) == 1
        raise OSError("no room")

    monkeypatch.setattr(module, "export_mask", fail)
    with pytest.raises(OSError, match="no room"):
        exported(order_of(result, what="mask", nodes=[1]), result)


def test_who_goes_away_leaves_nothing_behind(result, temporary):
    answer = exported(order_of(result, what="labels"), result)
    assert len(list(temporary.iterdir())) == 1

    async def receive():
        return {"type": "http.disconnect"}

    async def send(_message):
        raise ConnectionResetError("gone")

    async def ask():
        scope = {"type": "http", "method": "POST", "headers": [], "asgi": {"spec_version": "2.4"}}
        with pytest.raises(ConnectionResetError, match="gone"):
            await answer(scope, receive, send)

    asyncio.run(ask())


@pytest.mark.parametrize("name", ['a"b', "é", "a\nb", "a;b"])
def test_any_name_of_a_folder_makes_a_header(client, result, monkeypatch, name):
    monkeypatch.setattr(type(result), "name", name)
    got = client.post(FIRST, json={"what": "mask", "nodes": [1]})
    disposition = got.headers["content-disposition"]
    assert disposition.startswith("attachment; filename*=utf-8''")
    assert disposition.isascii()
    assert "\n" not in disposition
