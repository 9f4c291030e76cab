import gzip

import numpy as np
import pytest

from gyrovox.errors import FileFormatError
from gyrovox.io import gzip_index
from gyrovox.io.gzip_index import IndexedGzip


@pytest.fixture
def content(monkeypatch):
    monkeypatch.setattr(gzip_index, "_CHUNK", 1000)
    monkeypatch.setattr(gzip_index, "_MOST_AT_ONCE", 700)
    half_random = np.random.default_rng(0).integers(0, 16, 100_000, np.uint8)
    return half_random.tobytes()


@pytest.fixture(params=[1, 3])
def path(request, tmp_path, content):
    """One member, or three that follow one another, and zeros as padding."""
    step = -(-len(content) // request.param)
    parts = [content[first : first + step] for first in range(0, len(content), step)]
    path = tmp_path / "content.gz"
    path.write_bytes(b"".join(gzip.compress(part) for part in parts) + bytes(512))
    return path


@pytest.mark.parametrize("spacing", [1, 5000, 10**9])
def test_any_stretch_is_read_in_any_order(path, content, spacing):
    file = IndexedGzip(path, spacing=spacing)
    generator = np.random.default_rng(1)
    for start, stop in np.sort(generator.integers(0, len(content) + 1, (50, 2))):
        assert file.read(int(start), int(stop - start)) == content[start:stop]
    assert file.unpacked_size() == len(content)
    assert file.read(len(content), 0) == b""


@pytest.mark.parametrize("most", [1, 7, 100, 10**6])
def test_content_that_packs_well_is_unpacked_in_bounded_pieces(tmp_path, monkeypatch, most):
    monkeypatch.setattr(gzip_index, "_CHUNK", 50)
    monkeypatch.setattr(gzip_index, "_MOST_AT_ONCE", most)
    content = b"abc" * 5000
    (tmp_path / "a.gz").write_bytes(gzip.compress(content))
    file = IndexedGzip(tmp_path / "a.gz", spacing=1000)
    assert file.unpacked_size() == len(content)
    assert file.read(14_990, 10) == content[14_990:]
    assert file.read(0, 15_000) == content
    assert max(len(piece) for _, piece in file._pieces(0)) <= most


def test_a_later_read_starts_from_a_checkpoint(path, content, monkeypatch):
    file = IndexedGzip(path, spacing=5000)
    file.unpacked_size()
    skipped = []
    pieces = file._pieces

    def watched(start):
        for position, piece in pieces(start):
            skipped.append(position)
            yield position, piece

    monkeypatch.setattr(file, "_pieces", watched)
    assert file.read(90_000, 10) == content[90_000:90_010]
    # A member's end holds no checkpoint, and one chunk of the file unpacks to a few kilobytes.
    assert min(skipped) > 50_000


def test_a_read_beyond_the_end_is_refused(path, content):
    with pytest.raises(FileFormatError, match=r"must hold 100001 bytes when unpacked, and ends"):
        IndexedGzip(path).read(len(content) - 5, 6)


def test_a_file_that_is_cut_off_is_shorter(path, content):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    file = IndexedGzip(path)
    assert 0 < file.unpacked_size() < len(content)
    with pytest.raises(FileFormatError, match="it is truncated"):
        file.read(0, len(content))


def test_damage_is_refused(path):
    raw = bytearray(path.read_bytes())
    raw[2000:2020] = bytes(20)
    path.write_bytes(raw)
    with pytest.raises(FileFormatError, match="must be whole gzip data, and is damaged"):
        IndexedGzip(path).unpacked_size()


def test_bytes_that_are_no_gzip_are_refused(tmp_path):
    (tmp_path / "a.gz").write_bytes(b"This is a letter.")
    with pytest.raises(FileFormatError, match="incorrect header check"):
        IndexedGzip(tmp_path / "a.gz").read(0, 1)
