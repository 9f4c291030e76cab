"""Links that lead out of the opened folder are refused, and nothing is read before that."""

import pytest

from gyrovox.errors import FileAccessError
from gyrovox.viewer.confinement import check_confined


@pytest.fixture
def outside(tmp_path):
    (tmp_path / "outside" / "inner").mkdir(parents=True)
    (tmp_path / "outside" / "secret").write_text("secret")
    return tmp_path / "outside"


@pytest.fixture
def root(tmp_path):
    (tmp_path / "out" / "scan").mkdir(parents=True)
    (tmp_path / "out" / "scan" / "tree.json").write_text("{}")
    return tmp_path / "out"


@pytest.mark.parametrize("name", ["tree.json", "run.json", "edits.json", "leaves.mrc"])
@pytest.mark.parametrize("opened", ["out", "out/scan"])
def test_a_file_that_is_read_may_not_lie_elsewhere(root, outside, name, opened):
    (root / "scan" / name).unlink(missing_ok=True)
    (root / "scan" / name).symlink_to(outside / "secret")
    with pytest.raises(FileAccessError, match=rf"{name}: what is opened must lie in .*{opened}, "):
        check_confined(root.parent / opened)


@pytest.mark.parametrize("target", ["secret", "inner", "missing"])
def test_no_piece_of_leaves_may_lie_elsewhere(root, outside, target):
    array = root / "scan" / "leaves.ome.zarr" / "0" / "c"
    array.mkdir(parents=True)
    (array / "0").symlink_to(outside / target)
    with pytest.raises(FileAccessError, match=r"this is a link to .*outside"):
        check_confined(root)


def test_leaves_may_not_be_a_folder_elsewhere(root, outside):
    (root / "scan" / "leaves.ome.zarr").symlink_to(outside)
    with pytest.raises(FileAccessError, match="put a copy in the place of the link"):
        check_confined(root)


def test_a_link_by_way_of_another_is_followed_to_its_end(root, outside):
    (root / "step").symlink_to(outside / "secret")
    (root / "scan" / "run.json").symlink_to(root / "step")
    with pytest.raises(FileAccessError, match=r"link to .*secret"):
        check_confined(root)


def test_links_that_stay_are_fine(root):
    (root / "scan" / "leaves.mrc").write_text("voxels")
    (root / "other").mkdir()
    (root / "other" / "leaves.mrc").symlink_to("../scan/leaves.mrc")
    (root / "link").symlink_to(root)
    assert check_confined(root / "link") is None


def test_what_is_not_read_may_lead_anywhere(root, outside):
    (root / "scan" / "notes.txt").symlink_to(outside / "secret")
    latents = root / "scan" / "latents.ome.zarr"
    latents.mkdir()
    (latents / "run.json").symlink_to(outside / "secret")
    assert check_confined(root) is None
