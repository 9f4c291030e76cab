"""What a person chose, as JSON that is trusted only after a look."""

import json

import pytest
import tree_laws as laws
from hypothesis import given, settings
from hypothesis import strategies as st

from gyrovox.errors import EditError
from gyrovox.results import Group, HandEdits
from gyrovox.results.hand_edits import MOST_BYTES

#        6
#     4     5
#    0 1   2 3
TREE = laws.trunk_of(laws.tree_of([(0, 0), (0, 0), (0, 0)], [1.0, 2.0, 0.5], masked=False))
EDITS = HandEdits(
    revision=3,
    cut=(0, 1, 5),
    names={5: "Zellkern ✳ 核", 0: ""},
    colours={0: "#00ff7f"},
    groups=(Group((0, 2), "both", "#123456"), Group((6,))),
)


def test_edits_come_back():
    back = HandEdits.from_json(EDITS.to_json(), TREE)
    assert back == EDITS
    assert HandEdits.from_json(EDITS.to_json().encode(), TREE) == EDITS


def test_the_text_is_the_same_for_the_same_edits():
    turned = HandEdits(3, (0, 1, 5), {0: "", 5: "Zellkern ✳ 核"}, EDITS.colours, EDITS.groups)
    assert turned.to_json() == EDITS.to_json()
    assert HandEdits.from_json(EDITS.to_json(), TREE).to_json() == EDITS.to_json()
    assert json.loads(EDITS.to_json())["names"] == {"0": "", "5": "Zellkern ✳ 核"}


def test_nothing_chosen_is_the_least_record():
    assert HandEdits.from_json("{}", TREE) == HandEdits()
    assert HandEdits().cut is None


def test_order_repetition_and_capitals_do_not_count():
    text = '{"cut": [5, 1, 0, 5], "groups": [{"nodes": [2, 0, 2], "colour": "#ABCDEF"}]}'
    edits = HandEdits.from_json(text, TREE)
    assert edits.cut == (0, 1, 5)
    assert edits.groups == (Group((0, 2), "", "#abcdef"),)


@given(laws.trees(), st.randoms())
def test_every_cut_of_a_tree_is_one_and_nothing_less(tree, random):
    cuts = sorted(map(sorted, laws.every_cut(tree)))
    cut, trunk = random.choice(cuts), laws.trunk_of(tree)
    assert HandEdits.from_json(json.dumps({"cut": cut}), trunk).cut == tuple(cut)
    if len(cut) > 1:
        with pytest.raises(EditError, match="every leaf exactly once"):
            HandEdits(cut=tuple(cut[1:])).check(trunk)
    if cut != [tree.root]:
        with pytest.raises(EditError, match="twice or not at all"):
            HandEdits(cut=(*cut, tree.root)).check(trunk)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "must be JSON, and are not"),
        ("[" * 100_000, "must be JSON, and are not"),
        ('{"revision": NaN}', "NaN is no number"),
        (b"\xff\xfe", "must be JSON, and are not"),
        ("[]", r"must be a record with names, and \[\] came"),
        ('{"cat": 1}', "no other fields than .*revision.*, and 'cat' came"),
        ('{"version": 2}', "are None of version 2. Use the gyrovox that wrote them"),
        ('{"format": "x"}', "are 'x' of version"),
        ('{"revision": -1}', r"from 0 to 2\^53 - 1, and is -1"),
        ('{"revision": 1e3}', "the revision must be a whole number, and 1000.0 came"),
        ('{"revision": true}', "whole number, and True came"),
        ('{"cut": {}}', r"the cut must be a list of nodes, and \{\} came"),
        ('{"cut": ["0"]}', "a node must be a whole number, and '0' came"),
        ('{"cut": []}', "these 0 nodes hold some of them twice or not at all"),
        ('{"cut": [4]}', "these 1 nodes hold"),
        ('{"cut": [4, 5, 0]}', "these 3 nodes hold"),
        ('{"cut": [7]}', "the cut must be of nodes 0 to 6 of the tree, and node 7 came"),
        (f'{{"cut": [{10**30}]}}', "the cut must be of nodes 0 to 6"),
        ('{"cut": [-1]}', "node -1 came"),
        ('{"names": []}', "names must be a record by node"),
        ('{"names": {"7": "a"}}', "names must be of nodes 0 to 6"),
        ('{"names": {"01": "a"}}', "'a' for '01' came"),
        ('{"names": {"-1": "a"}}', "numbers of nodes, and 'a' for '-1' came"),
        ('{"names": {"1": 2}}', "names must be texts .* and 2 for '1' came"),
        (json.dumps({"names": {"1": "a" * 201}}), "at most 200 characters on one line.* 201 came"),
        ('{"names": {"1": "a\\nb"}}', "characters on one line"),
        ('{"names": {"1": "\\ud800"}}', "characters on one line"),
        ('{"colours": {"1": "red"}}', "written as #rrggbb, and 'red' came"),
        ('{"colours": {"1": "#12345g"}}', "written as #rrggbb"),
        ('{"colours": {"1": "#123456\\n"}}', "written as #rrggbb"),
        ('{"groups": {}}', "groups must be a list"),
        ('{"groups": [1]}', "a group must be a record with names, and 1 came"),
        ('{"groups": [{"nodes": []}]}', "must have nodes, and one has none"),
        ('{"groups": [{"name": "a"}]}', "the nodes of a group must be a list of nodes, and None"),
        ('{"groups": [{"nodes": [9]}]}', "a class made by hand must be of nodes 0 to 6"),
        ('{"groups": [{"nodes": [1], "name": 1}]}', "must be text, and 1 and None came"),
        ('{"groups": [{"nodes": [1], "colour": "#12"}]}', "written as #rrggbb, and '#12' came"),
        ('{"groups": [{"nodes": [1], "node": 1}]}', "no other fields than colour, name, nodes"),
        (json.dumps({"groups": [{"nodes": [1]}] * 1001}), "at most 1000 .* there are 1001"),
        ('{"names": {"1": "' + "a" * MOST_BYTES + '"}}', f"at most {MOST_BYTES} bytes as JSON"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_does_not_fit_is_refused(text, message):
    with pytest.raises(EditError, match=message):
        HandEdits.from_json(text, TREE)


def test_edits_that_could_not_be_read_again_are_refused():
    tree = laws.trunk_of(laws.chain(3000))
    edits = HandEdits(names=dict.fromkeys(range(5999), "a" * 200))
    with pytest.raises(EditError, match=r"take .* shorten names"):
        edits.check(tree)


@settings(max_examples=40)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["cut", "names", "groups", "nodes", "1"]), inner, max_size=3
            )
        ),
        max_leaves=8,
    )
)
def test_whatever_comes_is_read_or_refused(value):
    try:
        edits = HandEdits.from_json(json.dumps(value), TREE)
    except EditError:
        return
    assert HandEdits.from_json(edits.to_json(), TREE) == edits


def test_nodes_of_as_many_voxels_as_the_volume_are_no_cut_if_they_miss_a_leaf():
    trunk = laws.trunk_of(laws.chain(3))  # leaves of 4 voxels; node 3 holds the first two
    assert trunk.sizes[[0, 3]].sum() == trunk.sizes[-1]
    with pytest.raises(EditError, match="twice or not at all"):
        HandEdits(cut=(0, 3)).check(trunk)
