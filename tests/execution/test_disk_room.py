import errno
import os

import pytest

from gyrovox.execution.disk_room import is_for_want_of_room


def caused(error, cause):
    error.__cause__ = cause
    return error


def in_the_course_of(error, context):
    error.__context__ = context
    return error


FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize(
    "error",
    [
        FULL,
        OSError(errno.EDQUOT, "quota"),
        OSError(errno.EFBIG, "too large"),
        RuntimeError("Can't write (errno = 28, error message = 'No space left on device')"),
        OSError("7200 requested and 2856 written"),
        caused(RuntimeError("a library's own words"), FULL),
        in_the_course_of(RuntimeError("others of its words"), FULL),
    ],
    ids=repr,
)
def test_a_full_disk_is_told_whoever_noticed_it(error):
    assert is_for_want_of_room(error)


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.EACCES, "Permission denied"),
        ValueError("12 requested and 5 written, of what was asked"),
        caused(RuntimeError("a library's own words"), OSError(errno.EIO, "broken")),
    ],
    ids=repr,
)
def test_other_errors_are_others(error):
    assert not is_for_want_of_room(error)


def test_a_real_full_disk_is_one():
    if not os.path.exists("/dev/full"):
        pytest.skip("this system has no /dev/full, a disk that is always full")
    with pytest.raises(OSError, match="No space") as caught, open("/dev/full", "wb", 0) as file:
        file.write(b"x")
    assert is_for_want_of_room(caught.value)
