"""What a command says: results on the standard output, errors in one line on the other."""

import sys

from gyrovox.progress import quantity


def say(text: str) -> None:
    """Write a line of a command's result to the standard output."""
    sys.stdout.write(f"{text}\n")


def complain(text: str) -> None:
    """Write one line that begins with the program's name to the standard error."""
    sys.stderr.write(f"gyrovox: {' '.join(text.split())}\n")
    sys.stderr.flush()


def note(text: str, *, quiet: bool) -> None:
    """Write a line about the work, not its result, to the standard error."""
    if not quiet:
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()


def storage(size: int) -> str:
    """A number of bytes as a person says it: ``"512 B"``, ``"125 MB"``."""
    shown = quantity(size)
    return f"{shown}B" if " " in shown else f"{shown} B"
