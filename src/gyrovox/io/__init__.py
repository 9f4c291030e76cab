"""Reading and writing volume files."""

from gyrovox.io.reading import read as read
