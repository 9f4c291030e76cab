"""STAR files: tables of text as RELION reads them.

Source:
    Hall (1991), The STAR file, https://doi.org/10.1021/ci00002a020; the dialect of RELION:
    https://relion.readthedocs.io/en/latest/Reference/Conventions.html
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from gyrovox.errors import SettingsError
from gyrovox.io.atomic import written_whole

_VERSION = 30001  # of RELION's files: the first one with several blocks, which later ones read


def write_star(
    path: Path, block: str, columns: Mapping[str, Sequence[str]], *, overwrite: bool = False
) -> Path:
    """Write a table as the loop of one block.

    Args:
        path: The file to be, .star.
        block: Name of the block, without ``data_``.
        columns: Texts by label, without its underscore; all of one length, no text empty or with
            a blank in it.
        overwrite: Whether the file may be there already.

    Returns:
        The path.

    Raises:
        SettingsError: If a text cannot stand in a table, or columns differ in length.
        OutputExistsError: If the file is there.
        OutputSpaceError: If there is no room for it.
        MissingFileError: If the folder that it is to lie in is not there.
        FileAccessError: If this user may not write there.
    """
    lengths = {len(column) for column in columns.values()}
    if len(lengths) > 1:
        raise SettingsError(f"columns of a table must be equally long, and have {sorted(lengths)}.")
    for label, column in columns.items():
        for text in column:
            if not text or text.split() != [text] or text[0] in "_#\"'$;":
                raise SettingsError(
                    f"{label}: a text of a STAR file must be one word, and {text!r} is not. Rename "
                    f"it."
                )
    labels = [f"_{label} #{number}" for number, label in enumerate(columns, start=1)]
    rows = [" ".join(row) for row in zip(*columns.values(), strict=True)]
    lines = ["", f"# version {_VERSION}", "", f"data_{block}", "", "loop_", *labels, *rows, ""]
    with written_whole(path, overwrite=overwrite, suffix=".star") as beside:
        beside.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
    return path
