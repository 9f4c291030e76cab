"""What every page has around its content: a head that forbids the network, and a script at most."""

import base64
import hashlib
from importlib import resources
from importlib.metadata import PackageNotFoundError, version

from gyrovox.report.page.markup import Markup, tag


def framed(title: str, body: Markup, *, script: str = "", extra_style: str = "") -> str:
    """A page as HTML, which loads nothing from anywhere.

    Args:
        title: What the window is called.
        body: The content.
        script: The only script that runs.
        extra_style: Rules after those that all pages share.

    Returns:
        The content of a file.
    """
    style = asset("page.css") + extra_style
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_policy(style, script)),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("title", title),
        tag("style", Markup(style)),
    )
    running = tag("script", Markup(script)) if script else Markup()
    return f"<!DOCTYPE html>\n{tag('html', head, tag('body', body, running), lang='en')}\n"


def footer() -> Markup:
    """The last line of a page."""
    said = f"Written by gyrovox {_version()}. This page loads nothing from anywhere."
    return tag("footer", said)


def asset(name: str) -> str:
    """A file that lies beside this module.

    Args:
        name: Its name.

    Returns:
        Its text.
    """
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    """Nothing is loaded, and nothing runs but what this page was written with."""
    running = f"'{_digest(script)}'" if script else "'none'"
    return (
        f"default-src 'none'; img-src data:; style-src '{_digest(style)}'; "
        f"script-src {running}; base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    found = base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
    return f"sha256-{found}"


def _version() -> str:
    try:
        return version("gyrovox")
    except PackageNotFoundError:  # run from a folder of sources
        return ""
