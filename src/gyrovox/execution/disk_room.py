"""Whether an error is that the disk is full, whoever noticed it."""

import errno
import os
import re

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
# Libraries put the system's words into errors of their own, without its number.
_NO_ROOM_WORDS = tuple(os.strerror(number).lower() for number in sorted(_NO_ROOM))
# numpy's tofile, by which tifffile writes, says no more than this.
_SHORT_WRITE = re.compile(r"^\d+ requested and \d+ written$")


def is_for_want_of_room(error: BaseException) -> bool:
    """Whether an error, or what it came from, is that the disk, or a user's share of it, is full.

    Args:
        error: Any error.

    Returns:
        Whether it is.
    """
    while True:
        if isinstance(error, OSError) and error.errno in _NO_ROOM:
            return True
        text = str(error).lower()
        if any(words in text for words in _NO_ROOM_WORDS) or _SHORT_WRITE.match(text):
            return True
        before = error.__cause__ or error.__context__
        if before is None:
            return False
        error = before
