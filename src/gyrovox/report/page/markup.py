"""HTML and SVG that are escaped by construction: text is text, and only markup is markup."""

import html
from collections.abc import Iterable, Mapping
from typing import final

# What has no content, and no closing tag in HTML.
_VOID = frozenset({"meta", "input", "img", "br", "hr", "link"})


@final
class Markup(str):
    """Text that is HTML already, and is not escaped again."""

    __slots__ = ()


Content = str | Markup
Attribute = str | int | float | bool | None


def tag(
    name: str,
    /,
    *content: Content | Iterable[Content],
    attributes: Mapping[str, Attribute] | None = None,
    **others: Attribute,
) -> Markup:
    """An element.

    Args:
        name: Its name.
        content: What it holds, in order. A `str` is text, and escaped; `Markup` is taken as it is.
        attributes: Attributes whose names are no names of Python, such as ``class``.
        others: Attributes by name, with ``_`` for ``-``.

    Returns:
        The element. An attribute that is True has no value; one that is None or False is left out.
    """
    named = {**(attributes or {}), **{key.replace("_", "-"): one for key, one in others.items()}}
    opening = f"<{name}{''.join(_attribute(key, value) for key, value in named.items())}>"
    if name in _VOID:
        return Markup(opening)
    return Markup(f"{opening}{joined(content)}</{name}>")


def joined(content: Iterable[Content | Iterable[Content]]) -> Markup:
    """Pieces one after the other, text among them escaped.

    Args:
        content: Pieces, or iterables of pieces.

    Returns:
        All of them.
    """
    pieces = []
    for piece in content:
        if isinstance(piece, Markup):
            pieces.append(piece)
        elif isinstance(piece, str):
            pieces.append(escaped(piece))
        else:
            pieces.append(joined(piece))
    return Markup("".join(pieces))


def escaped(text: str) -> Markup:
    """Text as it stands in HTML, between tags or within quotes.

    Args:
        text: Any text.

    Returns:
        The same, with nothing in it that a browser takes for markup.
    """
    return Markup(html.escape(text, quote=True))


def _attribute(name: str, value: Attribute) -> str:
    if value is None or value is False:
        return ""
    if value is True:
        return f" {name}"
    shown = f"{value:.6g}" if isinstance(value, float) else str(value)
    return f' {name}="{escaped(shown)}"'
