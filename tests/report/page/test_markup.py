"""HTML that is escaped by construction."""

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gyrovox.report.page.markup import Markup, escaped, joined, tag


class Reader(HTMLParser):
    """What a parser that is not ours finds: names of elements, their attributes, the text."""

    def __init__(self, text):
        super().__init__()
        self.names, self.given, self.text = [], {}, ""
        self.feed(text)
        self.close()

    def handle_starttag(self, name, attributes):
        self.names.append(name)
        self.given.update(attributes)

    def handle_data(self, data):
        self.text += data


@given(st.text(st.characters(exclude_categories=("Cs", "Cc"))))
def test_text_comes_back_as_it_was_and_is_never_markup(text):
    found = Reader(tag("p", text, title=text))
    assert found.names == ["p"]
    assert found.text == text
    assert found.given == {"title": text}


def test_a_script_in_a_name_is_shown_and_not_run():
    made = tag("h1", "<script>alert(1)</script>", title="\"><img src=x onerror='a'>")
    assert "<script" not in made
    assert "<img" not in made
    assert Reader(made).text == "<script>alert(1)</script>"


def test_elements_nest_and_are_taken_as_they_are():
    made = tag("ul", [tag("li", "1 < 2"), tag("li", tag("b", "x"))], "&")
    assert made == "<ul><li>1 &lt; 2</li><li><b>x</b></li>&amp;</ul>"
    assert joined(["<", Markup("<b>"), [escaped("&")]]) == "&lt;<b>&amp;"


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (True, "<i a-b></i>"),
        (False, "<i></i>"),
        (None, "<i></i>"),
        (3, '<i a-b="3"></i>'),
        (1 / 3, '<i a-b="0.333333"></i>'),
        ("", '<i a-b=""></i>'),
    ],
)
def test_an_attribute_says_what_its_value_is(value, wanted):
    assert tag("i", a_b=value) == wanted


def test_some_elements_have_no_end_and_some_attributes_no_name_in_python():
    assert tag("meta", name="a", attributes={"class": "b"}) == '<meta class="b" name="a">'
