"""The explorer's page, as a person uses it, for tests in a real browser."""

import io
import threading
import time
from contextlib import contextmanager

import numpy as np
from PIL import Image

from gyrovox.results import ResultFolder, class_of_leaves, disk_positions, read_edits
from gyrovox.viewer import ExplorerServer

PATIENCE_S = 90  # for what takes a second where nothing else runs
DISK_MARGIN = 8  # pixels around the disk


@contextmanager
def served(folder):
    """A server of a folder, in a thread, that tells where it is."""
    server = ExplorerServer(folder)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join(PATIENCE_S)


def eventually(check, *, patience_s=PATIENCE_S):
    """Ask until the answer is yes; what it said last is the error."""
    end = time.monotonic() + patience_s
    while True:
        try:
            return check()
        except AssertionError:
            if time.monotonic() > end:
                raise


class Explorer:
    """The page of a result, as a person uses it.

    Args:
        page: Playwright's.
        folder: The folder of the result.
    """

    def __init__(self, page, folder):
        self.page = page
        self.folder = folder
        self.result = ResultFolder.open(folder)
        self.leaves = np.asarray(self.result.leaves().read()[0]).astype(int)
        self.said = []
        self.foreign = []
        page.set_default_timeout(1000 * PATIENCE_S)
        page.on("console", lambda message: self.said.append(message.text))
        page.on("pageerror", lambda error: self.said.append(str(error)))

    def open(self, address):
        self.page.on("request", lambda request: self._look_at(request, address))
        self.page.goto(address)
        return self.ready()

    def reload(self):
        self.page.reload()
        return self.ready()

    def ready(self):
        self.page.wait_for_selector("body[data-ready=true]", state="attached")
        return self

    @property
    def edits(self):
        return read_edits(self.result)

    def saved(self):
        """What is beside the result, once all that was done is there."""
        self.page.wait_for_selector("#save-state[data-state=saved]", state="attached")
        return self.edits

    def set_level(self, classes):
        self.page.fill("#level-number", str(classes))
        self.page.press("#level-number", "Enter")

    def opaque(self):
        """Show classes as their bare colours."""
        self.page.fill("#opacity", "100")
        return self

    def pixel_of(self, voxel):
        """Where a voxel (z, y, x) of the slice through the crosshair is on the page, in xy."""
        box = self.page.locator(".tile[data-plane=xy]").bounding_box()
        _, sides_y, sides_x = self.result.shape
        _, y, x = voxel
        return (
            box["x"] + box["width"] * (x + 0.5) / sides_x,
            box["y"] + box["height"] * (1 - (y + 0.5) / sides_y),
        )

    def pixel_of_node(self, node):
        """Where a node is on the page: the disk fills the middle of its canvas."""
        box = self.page.locator("#disk").bounding_box()
        points = disk_positions(self.result.trunk)
        zoom = max(1.0, 0.93 / np.linalg.norm(points, axis=1).max())
        radius = (min(box["width"], box["height"]) / 2 - DISK_MARGIN) * zoom
        x, y = points[node]
        return (
            box["x"] + box["width"] / 2 + x * radius,
            box["y"] + box["height"] / 2 - y * radius,
        )

    def picture(self):
        """The page as it looks, (y, x, rgb)."""
        return np.array(Image.open(io.BytesIO(self.page.screenshot())).convert("RGB"))

    @property
    def slice(self):
        """The slice that xy shows: the middle one, until the crosshair moves."""
        return self.result.shape[0] // 2

    def voxels(self, step=3):
        """Voxels (z, y, x) of the slice that is shown, off the crosshair and its name."""
        z, (_, ny, nx) = self.slice, self.result.shape
        away = [y for y in range(1, ny - 4, step) if abs(y - ny // 2) > 1]
        across = [x for x in range(1, nx - 1, step) if abs(x - nx // 2) > 1]
        return [(z, y, x) for y in away for x in across]

    def colours_seen(self, voxels):
        picture = self.picture()
        places = [self.pixel_of(voxel) for voxel in voxels]
        return [tuple(picture[int(y), int(x)].tolist()) for x, y in places]

    def colours_meant(self, voxels, edits):
        """What Python says that the classes look like."""
        table = class_of_leaves(self.result.trunk, edits)
        labels = [self.leaves[voxel] for voxel in voxels]
        return [
            None if label == 0 else rgb(table.colours[table.of_leaf[label - 1]]) for label in labels
        ]

    def _look_at(self, request, address):
        own = address.split("/?")[0]
        if not request.url.startswith((own, "data:", f"blob:{own}")):
            self.foreign.append(request.url)


def rgb(colour):
    return tuple(bytes.fromhex(colour[1:]))


def assert_alike(seen, meant, *, within=3):
    """Colours agree where any are meant."""
    wrong = [
        (one, other)
        for one, other in zip(seen, meant, strict=True)
        if other is not None and max(abs(a - b) for a, b in zip(one, other, strict=True)) > within
    ]
    assert wrong == []
