import errno

import pytest

from gyrovox.io.spool import Spool


def test_it_is_a_file(tmp_path):
    with Spool(tmp_path / "out") as spool:
        assert spool.write(b"abcdef") == 6
        assert (spool.seek(2), spool.tell()) == (2, 2)
        buffer = bytearray(2)
        assert spool.readinto(memoryview(buffer)) == 2
        assert buffer == b"cd"
        assert spool.read() == b"ef"
        assert spool.truncate(3) == 3
        spool.flush()
        spool.check()
    assert (tmp_path / "out").read_bytes() == b"abc"


class FullFile:
    """Takes two bytes at a time until it is full."""

    room = 5

    def write(self, piece):
        if self.room == 0:
            raise OSError(errno.ENOSPC, "injected")
        taken = min(2, self.room, len(piece))
        self.room -= taken
        return taken

    def truncate(self, size):
        raise OSError(errno.ENOSPC, f"injected at {size}")

    def close(self):
        pass


def filled(spool):
    """A spool whose disk fills up while it is written to."""
    spool._file.close()
    spool._file = FullFile()
    assert spool.write(b"abcde") == 5
    spool.check()
    assert spool.write(b"fg") == 2
    assert spool.truncate(9) == 9


def test_a_failure_is_kept_for_the_end(tmp_path):
    with pytest.raises(OSError, match="injected") as raised, Spool(tmp_path / "out") as spool:
        filled(spool)
    assert raised.value.strerror == "injected", "the first one"


def test_a_failure_can_be_asked_for(tmp_path):
    spool = Spool(tmp_path / "out").__enter__()
    filled(spool)
    with pytest.raises(OSError, match="injected"):
        spool.check()
