import asyncio
import threading

import pytest
from zarr.core.buffer import default_buffer_prototype

from gyrovox.io.zarr_store import StoppableStore


class HeldBack:
    """An entry that is being written for as long as it is not released."""

    def __init__(self):
        self.begun = threading.Event()
        self.released = threading.Event()

    def as_buffer_like(self):
        self.begun.set()
        assert self.released.wait(timeout=30)
        return b"late"


def entry(content):
    return default_buffer_prototype().buffer.from_bytes(content)


@pytest.fixture
def held_back(monkeypatch):
    # LocalStore takes nothing but its own buffers; this one only has to be slow.
    slow = HeldBack()
    buffer = entry(b"late")
    monkeypatch.setattr(type(buffer), "as_buffer_like", lambda _: slow.as_buffer_like())
    return slow, buffer


def test_leaving_waits_for_what_is_being_written(tmp_path, held_back):
    slow, buffer = held_back
    left = threading.Event()
    store = StoppableStore(tmp_path / "out.zarr")

    def leave():
        store.__exit__(None, None, None)
        left.set()

    writer = threading.Thread(target=lambda: asyncio.run(store.set("late", buffer)))
    writer.start()
    assert slow.begun.wait(timeout=30)
    leaver = threading.Thread(target=leave)
    leaver.start()
    assert not left.wait(timeout=0.2)
    slow.released.set()
    assert left.wait(timeout=30)
    assert (tmp_path / "out.zarr" / "late").read_bytes() == b"late"
    writer.join()
    leaver.join()


def test_nothing_more_is_written_after_leaving(tmp_path):
    with StoppableStore(tmp_path / "out.zarr") as store:
        asyncio.run(store.set("before", entry(b"1")))
    with pytest.raises(OSError, match="nothing more is written"):
        asyncio.run(store.set("after", entry(b"2")))
    assert [path.name for path in (tmp_path / "out.zarr").iterdir()] == ["before"]
