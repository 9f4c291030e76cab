"""What a person chose by hand: a cut, names, colours, classes of their own. Kept as JSON."""

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, final

import numpy as np

from gyrovox.clustering.cuts import owners
from gyrovox.clustering.trunk import Trunk
from gyrovox.errors import EditError

MOST_BYTES = 2**20
"""Longest text of edits that is read, in bytes."""

_FORMAT = "gyrovox edits"
_VERSION = 1
_MOST_GROUPS = 1000
_LONGEST_NAME = 200
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_UNWRITTEN = {"Cc", "Cs", "Zl", "Zp"}  # control characters, halves of others, ends of lines
_FIELDS = {"format", "version", "revision", "cut", "names", "colours", "groups"}
_GROUP_FIELDS = {"nodes", "name", "colour"}


@final
@dataclass(frozen=True)
class Group:
    """A class made by hand, such as a merge of two branches or what a lasso caught.

    Attributes:
        nodes: Nodes, from 0, ascending; the class is what lies below them.
        name: What to call it; may be empty.
        colour: ``"#rrggbb"``, or None for that of its largest node.
    """

    nodes: tuple[int, ...]
    name: str = ""
    colour: str | None = None


@final
@dataclass(frozen=True)
class HandEdits:
    """What a person chose by hand. Nodes count from 0, as in `Trunk`.

    Attributes:
        revision: How often edits of this result have been saved.
        cut: Nodes that are the classes, ascending: one at or above every leaf. None where nobody
            has chosen any.
        names: Names of nodes.
        colours: Colours of nodes, ``"#rrggbb"``.
        groups: Classes made by hand; later ones win over earlier ones, all win over the cut.
    """

    revision: int = 0
    cut: tuple[int, ...] | None = None
    names: Mapping[int, str] = field(default_factory=dict)
    colours: Mapping[int, str] = field(default_factory=dict)
    groups: tuple[Group, ...] = ()

    @classmethod
    def from_json(cls, text: str | bytes, trunk: Trunk) -> "HandEdits":
        """The edits that a text holds, if they can be made of a tree.

        Args:
            text: What `to_json` gave, or what somebody sent instead.
            trunk: The tree that they are of.

        Returns:
            The edits.

        Raises:
            EditError: If it is too long, no JSON, not of this form, or does not fit the tree.
        """
        raw = text.encode(errors="replace") if isinstance(text, str) else text
        _check_length(raw)
        try:
            facts = json.loads(raw, parse_constant=_refused)
        except (ValueError, RecursionError) as error:
            raise EditError(
                f"edits must be JSON, and are not: {error}. Take the file away to begin anew"
            ) from error
        edits = _edits(_record(facts, _FIELDS, "edits"))
        edits.check(trunk)
        return edits

    def to_json(self) -> str:
        """The edits as JSON, the same text for the same edits, ending in a line break."""
        facts = {
            "format": _FORMAT,
            "version": _VERSION,
            "revision": self.revision,
            "cut": None if self.cut is None else list(self.cut),
            "names": {str(node): self.names[node] for node in sorted(self.names)},
            "colours": {str(node): self.colours[node] for node in sorted(self.colours)},
            "groups": [
                {"nodes": list(group.nodes), "name": group.name, "colour": group.colour}
                for group in self.groups
            ],
        }
        lines = [f"{json.dumps(k)}: {json.dumps(v, ensure_ascii=False)}" for k, v in facts.items()]
        return "{\n" + ",\n".join(lines) + "\n}\n"

    def check(self, trunk: Trunk) -> None:
        """Refuse edits that cannot be made of a tree.

        Args:
            trunk: The tree.

        Raises:
            EditError: If a node is not there, the cut does not hold every leaf once, or a name,
                a colour or a number is none.
        """
        if not 0 <= self.revision < 2**53:
            raise EditError(
                f"the revision of edits must be from 0 to 2^53 - 1, and is {self.revision}. Load "
                f"the edits again"
            )
        if self.cut is not None:
            _check_cut(self.cut, trunk)
        _check_nodes(self.names, trunk, "names")
        _check_nodes(self.colours, trunk, "colours")
        if len(self.groups) > _MOST_GROUPS:
            raise EditError(
                f"there must be at most {_MOST_GROUPS} classes made by hand, and there are "
                f"{len(self.groups)}. Join some of them"
            )
        for group in self.groups:
            _check_nodes(group.nodes, trunk, "a class made by hand")
            if not group.nodes:
                raise EditError("a class made by hand must have nodes, and one has none. Remove it")
        for name in (*self.names.values(), *(group.name for group in self.groups)):
            _check_name(name)
        for colour in (*self.colours.values(), *(group.colour for group in self.groups)):
            _check_colour(colour)
        _check_length(self.to_json().encode())

    def with_revision(self, revision: int) -> "HandEdits":
        """The same edits as those of another revision."""
        return replace(self, revision=revision)


def _check_length(raw: bytes) -> None:
    """Refuse more than anybody does by hand.

    Raises:
        EditError: If it is too long.
    """
    if len(raw) > MOST_BYTES:
        raise EditError(
            f"edits must take at most {MOST_BYTES} bytes as JSON, and take {len(raw)}. Make fewer "
            f"classes by hand, or shorten names"
        )


def _refused(constant: str) -> None:
    """Called for what JSON has no numbers for.

    Raises:
        ValueError: Always.
    """
    raise ValueError(f"{constant} is no number")


def _record(facts: object, fields: set[str], what: str) -> dict[str, Any]:
    """A record that has no other fields than it may have.

    Raises:
        EditError: If it is none, or has.
    """
    if not isinstance(facts, dict):
        raise EditError(f"{what} must be a record with names, and {_seen(facts)} came")
    others = sorted(set(facts) - fields)
    if others:
        raise EditError(
            f"{what} must have no other fields than {', '.join(sorted(fields))}, and "
            f"{_seen(others[0])} came"
        )
    return facts


def _edits(facts: dict[str, Any]) -> HandEdits:
    """Edits of a record, whether or not they fit a tree.

    Raises:
        EditError: If a field is of another form.
    """
    if facts.get("format", _FORMAT) != _FORMAT or facts.get("version", _VERSION) != _VERSION:
        raise EditError(
            f"edits must be {_FORMAT} of version {_VERSION}, and are {_seen(facts.get('format'))} "
            f"of version {_seen(facts.get('version'))}. Use the gyrovox that wrote them"
        )
    cut = facts.get("cut")
    groups = facts.get("groups", [])
    if not isinstance(groups, list):
        raise EditError(f"groups must be a list, and {_seen(groups)} came")
    return HandEdits(
        revision=_whole(facts.get("revision", 0), "the revision"),
        cut=None if cut is None else _nodes(cut, "the cut"),
        names=_by_node(facts.get("names", {}), "names"),
        colours={
            node: colour.lower()
            for node, colour in _by_node(facts.get("colours", {}), "colours").items()
        },
        groups=tuple(_group(_record(each, _GROUP_FIELDS, "a group")) for each in groups),
    )


def _group(facts: dict[str, Any]) -> Group:
    """A group of a record.

    Raises:
        EditError: If a field is of another form.
    """
    name, colour = facts.get("name", ""), facts.get("colour")
    if not isinstance(name, str) or not (colour is None or isinstance(colour, str)):
        raise EditError(
            f"name and colour of a group must be text, and {_seen(name)} and {_seen(colour)} came"
        )
    nodes = _nodes(facts.get("nodes"), "the nodes of a group")
    return Group(nodes, name, colour if colour is None else colour.lower())


def _nodes(value: object, what: str) -> tuple[int, ...]:
    """Nodes of a list, ascending and each once.

    Raises:
        EditError: If it is no list of whole numbers.
    """
    if not isinstance(value, list):
        raise EditError(f"{what} must be a list of nodes, and {_seen(value)} came")
    return tuple(sorted({_whole(node, "a node") for node in value}))


def _by_node(value: object, what: str) -> dict[int, str]:
    """Texts by node.

    Raises:
        EditError: If it is no record of texts by the numbers of nodes.
    """
    if not isinstance(value, dict):
        raise EditError(f"{what} must be a record by node, and {_seen(value)} came")
    found = {}
    for node, text in value.items():
        # As JSON has it: no sign, no other digits than these, no zero in front.
        if not re.fullmatch(r"0|[1-9][0-9]{0,8}", node, re.ASCII) or not isinstance(text, str):
            raise EditError(
                f"{what} must be texts by the numbers of nodes, and {_seen(text)} for "
                f"{_seen(node)} came"
            )
        found[int(node)] = text
    return dict(sorted(found.items()))


def _whole(value: object, what: str) -> int:
    """A whole number.

    Raises:
        EditError: If it is none.
    """
    if not isinstance(value, int) or isinstance(value, bool):
        raise EditError(f"{what} must be a whole number, and {_seen(value)} came")
    return value


def _check_nodes(nodes: Iterable[int], trunk: Trunk, what: str) -> None:
    """Refuse nodes that a tree does not have.

    Raises:
        EditError: If there is one.
    """
    last = len(trunk.parents) - 1
    for node in nodes:
        if not 0 <= node <= last:
            raise EditError(
                f"{what} must be of nodes 0 to {last} of the tree, and node {_seen(node)} came. "
                f"They may be of another result"
            )


def _check_cut(cut: tuple[int, ...], trunk: Trunk) -> None:
    """Refuse nodes that do not hold every leaf exactly once.

    Raises:
        EditError: If they do not.
    """
    _check_nodes(cut, trunk, "the cut")
    nodes = np.array(cut, np.intp)
    is_cut = np.zeros(len(trunk.parents), np.bool_)
    is_cut[nodes] = True
    below = is_cut[owners(trunk.parents, nodes)]
    # Nodes that reach every leaf and together are no larger than the root do not overlap.
    if int(trunk.sizes[nodes].sum()) != int(trunk.sizes[-1]) or not below[: trunk.n_leaves].all():
        raise EditError(
            f"the nodes of a cut must hold every leaf exactly once, and these {len(cut)} nodes "
            f"hold some of them twice or not at all. They may be of another result"
        )


def _check_name(name: str) -> None:
    """Refuse names that are too long, or that would not stay on their line.

    Raises:
        EditError: If it is such.
    """
    if len(name) > _LONGEST_NAME or any(unicodedata.category(c) in _UNWRITTEN for c in name):
        raise EditError(
            f"names must be at most {_LONGEST_NAME} characters on one line, and {_seen(name)} with "
            f"{len(name)} came. Choose another"
        )


def _check_colour(colour: str | None) -> None:
    """Refuse what is no colour.

    Raises:
        EditError: If it is none.
    """
    if colour is not None and not _COLOUR.fullmatch(colour):
        raise EditError(f"colours must be written as #rrggbb, and {_seen(colour)} came")


def _seen(value: object) -> str:
    """What came, short enough for a message."""
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
