"""A small result in a folder, a page to serve with it, and a client that has been let in."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hand_made_result import write_hand_made
from page_stub import write_page
from starlette.testclient import TestClient

from gyrovox.results import ResultFolder, result_folders
from gyrovox.viewer.application import explorer
from gyrovox.viewer.hosts import HostNames
from gyrovox.viewer.keys import Keys
from gyrovox.viewer.page_files import page_files

HOST = "127.0.0.1:8123"


@dataclass(frozen=True)
class Opened:
    """A running explorer without a socket.

    Args:
        app: The ASGI application.
        keys: Its secrets.
        results: What it shows.
    """

    app: object
    keys: Keys
    results: tuple[ResultFolder, ...]

    def client(self, *, known=True, raises=True):
        """A browser; one that has been let in, if it is to be known."""
        client = TestClient(
            self.app,
            base_url=f"http://{HOST}",
            follow_redirects=False,
            raise_server_exceptions=raises,
        )
        if known:
            assert client.get("/", params={"token": self.keys.new_token()}).status_code == 303
        return client


@pytest.fixture(scope="session")
def static(tmp_path_factory):
    return write_page(tmp_path_factory.mktemp("page") / "static")


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """A folder of two results, that no test may change."""
    folder = tmp_path_factory.mktemp("made") / "out"
    leaves = np.arange(60, dtype=np.int32).reshape(3, 4, 5).repeat(4, 0).repeat(4, 1).repeat(4, 2)
    write_hand_made(folder / "second", leaves, suffix=".nii.gz")
    leaves[:, :2, :2] = -1
    write_hand_made(folder / "first", leaves)
    return folder


@pytest.fixture
def root(made, tmp_path):
    """A folder of two results."""
    return Path(shutil.copytree(made, tmp_path / "out"))


@pytest.fixture
def opened(root, static):
    keys = Keys(8123)
    results = result_folders(root)
    app = explorer(results, page_files(static), keys=keys, names=HostNames("127.0.0.1"))
    return Opened(app, keys, results)


@pytest.fixture
def client(opened):
    """A browser that has been let in."""
    return opened.client()
