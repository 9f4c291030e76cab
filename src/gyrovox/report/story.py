"""A page that tells of several steps, one after the other, each with a picture and numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

from gyrovox.errors import PictureError
from gyrovox.io.atomic import written_whole
from gyrovox.report.page.frame import footer, framed
from gyrovox.report.page.markup import Markup, joined, tag
from gyrovox.report.page.png import data_url

_STYLE = """
.chapter img { display: block; max-width: 100%; height: auto; background: #fff; }
.chapter p { max-width: 62rem; }
.chapter pre { padding: .6rem .8rem; background: var(--card); white-space: pre-wrap; }
.chapter pre code { padding: 0; border: 0; overflow-wrap: anywhere; }
.chapter table { margin: .6rem 0; }
.chapter td { text-align: left; padding-left: 1rem; }
"""


@final
@dataclass(frozen=True, kw_only=True)
class Chapter:
    """One step.

    Args:
        title: What was done.
        text: What that means.
        command: The command that does it, as a user would type it; may be empty.
        facts: Names and values.
        pictures: PNG files, and what each one shows.
    """

    title: str
    text: str
    command: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    pictures: tuple[tuple[Path, str], ...] = ()


def write_story(
    path: Path, title: str, said: str, chapters: Sequence[Chapter], *, overwrite: bool = False
) -> Path:
    """Write the page, with all pictures in it.

    Args:
        path: The file to be, .html.
        title: Its heading.
        said: The lines below the heading.
        chapters: The steps, in their order.
        overwrite: Whether the file may be there already.

    Returns:
        The path.

    Raises:
        PictureError: If a picture is missing.
        OutputExistsError: If the file is there.
        OutputSpaceError: If there is no room for it.
    """
    sections = [_section(number, one) for number, one in enumerate(chapters, start=1)]
    head = tag("header", tag("h1", title), tag("p", said))
    text = framed(title, joined([head, tag("main", sections), footer()]), extra_style=_STYLE)
    with written_whole(path, overwrite=overwrite, suffix=".html") as beside:
        beside.write_text(text, encoding="utf-8")
    return path


def _section(number: int, chapter: Chapter) -> Markup:
    rows = [tag("tr", tag("th", name), tag("td", value)) for name, value in chapter.facts]
    shown = [
        tag("figure", tag("figcaption", caption), tag("img", src=_inlined(path), alt=caption))
        for path, caption in chapter.pictures
    ]
    return tag(
        "section",
        tag("h2", f"{number}. {chapter.title}"),
        tag("p", chapter.text),
        tag("pre", tag("code", chapter.command)) if chapter.command else Markup(),
        tag("table", tag("tbody", rows)) if rows else Markup(),
        shown,
        attributes={"class": "chapter"},
    )


def _inlined(path: Path) -> str:
    try:
        return data_url(path.read_bytes())
    except OSError as error:
        raise PictureError(
            f"every picture of a story must be there, and {path} cannot be read: {error}. Run the "
            f"step that draws it again."
        ) from error
