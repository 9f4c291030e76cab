"""`edits.json`: what a person chose by hand, kept beside the tree that it is of."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from gyrovox.errors import EditConflictError, FileAccessError, RunLockedError
from gyrovox.execution import exclusive, written_piece

from .hand_edits import HandEdits
from .result_folder import ResultFolder

EDITS = "edits.json"
_PATIENCE_S = 5.0


def read_edits(result: ResultFolder) -> HandEdits:
    """What was chosen by hand of a result so far.

    Args:
        result: The result.

    Returns:
        The edits; those of revision 0, which are none, where nothing has been saved.

    Raises:
        EditError: If the file is damaged, or of another tree.
        FileAccessError: If it may not be read.
    """
    path = result.path / EDITS
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return HandEdits()
    except PermissionError as error:
        raise FileAccessError(
            f"{path}: the edits must be readable, and this user may not read them. Change the "
            f"file's permissions"
        ) from error
    return HandEdits.from_json(text, result.trunk)


def write_edits(result: ResultFolder, edits: HandEdits, expected_revision: int) -> HandEdits:
    """Save what was chosen by hand, unless somebody else has saved meanwhile.

    The file is always whole: it is written beside and takes its place once it is on the disk.

    Args:
        result: The result.
        edits: What to save; its own revision does not count.
        expected_revision: The revision of the edits that these were made from.

    Returns:
        The edits as they were saved, one revision later.

    Raises:
        EditError: If the edits do not fit the tree, or those that are there are damaged.
        EditConflictError: If those that are there are of another revision.
        FileAccessError: If this user may not write there.
        OutputSpaceError: If there is no room for them.
    """
    edits.check(result.trunk)
    with _alone(result.path):
        found = read_edits(result).revision
        if found != expected_revision:
            raise EditConflictError(
                f"edits must be made from the latest ones, and these were made from revision "
                f"{expected_revision} where revision {found} has been saved meanwhile. Load them "
                f"again, and repeat what is missing"
            )
        saved = edits.with_revision(found + 1)
        with written_piece(result.path / EDITS) as beside:
            beside.write_text(saved.to_json(), encoding="utf-8")
    return saved


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """See to it that nobody else saves edits of a result, which takes them a moment.

    Raises:
        EditConflictError: If somebody does for long.
    """
    last = time.monotonic() + _PATIENCE_S
    with ExitStack() as held:
        while True:
            try:
                held.enter_context(exclusive(folder))
                break
            except RunLockedError as error:
                if time.monotonic() > last:
                    raise EditConflictError(
                        f"{folder}: edits must be saved by one at a time, and another process has "
                        f"been at it for {_PATIENCE_S:g} s. Stop it, and save again"
                    ) from error
                time.sleep(0.02)
        yield
