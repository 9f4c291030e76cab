"""What the page asks for, over a real result."""

import gzip
import threading
from concurrent.futures import ThreadPoolExecutor

import nibabel
import numpy as np
import pytest

from gyrovox import io
from gyrovox.results import read_edits
from gyrovox.viewer import api as module
from gyrovox.viewer import pyramid
from gyrovox.volumes import Volume

FIRST = "/api/results/0"


def volume_of(response):
    assert response.status_code == 200
    image = nibabel.Nifti1Image.from_bytes(gzip.decompress(response.content))
    return np.asarray(image.dataobj).transpose(2, 1, 0)


def test_the_results_are_listed(client, opened):
    assert client.get("/api/results").json() == [
        {
            "index": index,
            "name": name,
            "shape": [12, 16, 20],
            "voxel_size_nm": [2.0, 1.0, 1.0],
            "leaves": opened.results[index].trunk.n_leaves,
            "levels": [2, 4],
            "has_image": True,
            "channels": 1,
        }
        for index, name in enumerate(["first", "second"])
    ]


@pytest.mark.parametrize("index", ["2", "99999999999999999999"])
@pytest.mark.parametrize("what", ["tree", "image.nii.gz", "leaves.nii.gz", "edits"])
def test_a_result_that_is_none_is_said_to_be_none(client, what, index):
    got = client.get(f"/api/results/{index}/{what}")
    assert got.status_code == 404
    assert got.json()["error"] == f"results are counted from 0 to 1, and {index} came."


@pytest.mark.parametrize("index", ["-1", "0.0", "first", "", "..", "%2e%2e", "0%2f..", "٣"])
def test_a_result_is_called_by_its_number(client, index):
    assert client.get(f"/api/results/{index}/tree").status_code == 404


def test_the_tree_is_sent(client, opened):
    got = client.get(f"{FIRST}/tree")
    assert got.json()["parents"] == opened.results[0].trunk.parents.tolist()
    assert got.json()["levels"] == [2, 4]


def test_image_and_leaves_lie_on_one_grid(client, opened):
    for index, result in enumerate(opened.results):
        image = client.get(f"/api/results/{index}/image.nii.gz")
        leaves = client.get(f"/api/results/{index}/leaves.nii.gz")
        assert image.headers["x-gyrovox-step"] == leaves.headers["x-gyrovox-step"] == "1"
        np.testing.assert_array_equal(volume_of(leaves), result.leaves().read()[0])
        voxels = result.image().read()[0]
        assert abs(volume_of(image) - voxels).max() < np.ptp(voxels) / 255


def test_what_does_not_fit_is_sent_in_blocks(client, opened, monkeypatch):
    monkeypatch.setattr(module, "fitting_step", lambda shape: pyramid.fitting_step(shape, 600))
    result = opened.results[0]
    image = client.get(f"{FIRST}/image.nii.gz")
    leaves = client.get(f"{FIRST}/leaves.nii.gz")
    assert image.headers["x-gyrovox-step"] == leaves.headers["x-gyrovox-step"] == "2"
    means = result.image().read()[0].reshape(6, 2, 8, 2, 10, 2).mean((1, 3, 5))
    assert abs(volume_of(image) - means).max() < np.ptp(means) / 255
    np.testing.assert_array_equal(volume_of(leaves), result.leaves().read()[0][1::2, 1::2, 1::2])


@pytest.mark.parametrize("what", ["tree", "image.nii.gz", "leaves.nii.gz"])
def test_what_the_browser_has_is_not_sent_again(client, what):
    first = client.get(f"{FIRST}/{what}")
    again = client.get(f"{FIRST}/{what}", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = client.get(f"/api/results/1/{what}", headers={"If-None-Match": first.headers["etag"]})
    assert other.status_code == 200


def test_voxels_are_read_once(client, monkeypatch):
    reads = []
    means = module.block_means

    def counted(*arguments, **options):
        reads.append(arguments)
        return means(*arguments, **options)

    monkeypatch.setattr(module, "block_means", counted)
    assert (
        client.get(f"{FIRST}/image.nii.gz").content == client.get(f"{FIRST}/image.nii.gz").content
    )
    assert len(reads) == 1


def test_while_a_picture_is_made_the_page_is_answered(opened, monkeypatch):
    started, go_on = threading.Event(), threading.Event()

    def slow(*_, **__):
        started.set()
        assert go_on.wait(20)
        return np.zeros((2, 2, 2), np.float32)

    monkeypatch.setattr(module, "block_means", slow)
    with opened.client() as client, ThreadPoolExecutor(1) as other:
        waiting = other.submit(client.get, f"{FIRST}/image.nii.gz")
        assert started.wait(20)
        assert client.get("/api/results").status_code == 200
        go_on.set()
        assert waiting.result(20).status_code == 200


def test_a_volume_that_is_gone_leaves_the_rest(root, client):
    (root / "first" / "scan.mrc").unlink()
    assert client.get("/api/results").json()[0]["has_image"] is False
    got = client.get(f"{FIRST}/image.nii.gz")
    assert got.status_code == 404
    assert got.json()["error"].startswith("the volume that was segmented is not where run.json")
    assert client.get(f"{FIRST}/leaves.nii.gz").status_code == 200


def test_another_volume_in_its_place_is_not_shown(root, client):
    other = Volume.from_array(np.zeros((5, 6, 7), np.float32))
    io.write(other, root / "first" / "scan.mrc", overwrite=True)
    assert client.get("/api/results").json()[0]["has_image"] is False
    assert client.get(f"{FIRST}/image.nii.gz").status_code == 404


@pytest.mark.parametrize("channel", ["1", "-1", "x", "٣", "99999999"])
def test_a_channel_that_is_none_is_refused(client, channel):
    got = client.get(f"{FIRST}/image.nii.gz", params={"channel": channel})
    assert got.status_code == 422
    assert got.json()["error"].startswith("the channel must be")


def test_every_channel_can_be_looked_at(root, opened, client, monkeypatch):
    both = np.stack([np.zeros((12, 16, 20)), np.full((12, 16, 20), 7)]).astype(np.float32)
    volume = Volume.from_array(both, voxel_size_nm=(2.0, 1.0, 1.0))
    monkeypatch.setattr(type(opened.results[0]), "image", lambda _: volume)
    assert client.get("/api/results").json()[0]["channels"] == 2
    for channel, value in ((0, 0), (1, 7)):
        got = client.get(f"{FIRST}/image.nii.gz", params={"channel": channel})
        assert (volume_of(got) == value).all()


def test_edits_are_kept_beside_the_result(root, client, opened):
    assert client.get(f"{FIRST}/edits").json()["revision"] == 0
    edits = {"revision": 0, "names": {"3": "nucleus"}, "colours": {"3": "#112233"}}
    saved = client.put(f"{FIRST}/edits", json=edits)
    assert (saved.status_code, saved.json()["revision"]) == (200, 1)
    assert client.get(f"{FIRST}/edits").json() == saved.json()
    assert read_edits(opened.results[0]).names == {3: "nucleus"}
    assert (root / "first" / "edits.json").is_file()
    assert client.get("/api/results/1/edits").json()["revision"] == 0


def test_who_saves_over_the_edits_of_another_is_told(client, opened):
    client.put(f"{FIRST}/edits", json={"revision": 0, "names": {"3": "first"}})
    got = client.put(f"{FIRST}/edits", json={"revision": 0, "names": {"3": "second"}})
    assert got.status_code == 409
    assert "saved meanwhile" in got.json()["error"]
    assert read_edits(opened.results[0]).names == {3: "first"}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"nonsense",
        b"[]",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"revision": 0, "names": {"99999": "x"}}',
        b'{"revision": 0, "cut": [0]}',
        b'{"revision": NaN}',
        b'{"revision": 0, "path": "../../elsewhere"}',
    ],
    ids=range(9),
)
def test_edits_that_are_none_are_refused_and_nothing_is_written(root, client, content):
    before = sorted((root / "first").iterdir())
    got = client.put(f"{FIRST}/edits", content=content)
    assert got.status_code == 422
    assert " must " in got.json()["error"]
    assert sorted((root / "first").iterdir()) == before


def test_an_export_is_sent_as_a_file(client):
    got = client.post(f"{FIRST}/export", json={"what": "labels"})
    assert got.status_code == 200
    assert got.headers["content-disposition"] == 'attachment; filename="first-labels.mrc"'
    assert got.headers["cache-control"] == "no-store"
    refused = client.post(f"{FIRST}/export", json={"what": "everything"})
    assert refused.status_code == 422
    assert "one of labels, mask, mesh, points" in refused.json()["error"]
