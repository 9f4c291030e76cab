"""What every page has around its content."""

import base64
import hashlib
import html
import re

from gyrovox.report.page.frame import asset, footer, framed
from gyrovox.report.page.markup import Markup, tag


def digests(text, name):
    found = re.search(rf"{name} ([^;]*)", html.unescape(text))
    assert found is not None
    return found[1]


def test_only_the_pages_own_style_and_script_are_allowed():
    text = framed("A page", tag("p", "said"), script="let answer = 42;", extra_style="p { }")
    script = re.search(r"<script>(.*?)</script>", text, re.DOTALL)[1]
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)[1]
    for name, content in (("script-src", script), ("style-src", style)):
        expected = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert expected in digests(text, name)
    assert style == asset("page.css") + "p { }"


def test_without_a_script_none_may_run():
    text = framed("A page", tag("p", "said"))
    assert "<script" not in text
    assert digests(text, "script-src") == "'none'"


def test_the_title_is_escaped_and_the_body_kept():
    text = framed("<b>", Markup("<p>&amp;</p>"))
    assert "<title>&lt;b&gt;</title>" in text
    assert "<p>&amp;</p>" in text


def test_the_foot_names_the_program():
    assert "gyrovox" in footer()
