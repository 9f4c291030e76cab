"""Tokens open once; cookies say nothing of them."""

import re
import secrets

import pytest

from gyrovox.viewer import keys as module
from gyrovox.viewer.keys import Keys


def cookie_of(keys):
    return re.fullmatch(rf"{keys.cookie_name}=([^;]+); .*", keys.set_cookie)[1]


def test_a_token_opens_once():
    keys = Keys(80)
    first, second = keys.new_token(), keys.new_token()
    assert keys.redeem(first)
    assert not keys.redeem(first)
    assert keys.redeem(second)


@pytest.mark.parametrize("token", ["", "x", "é" * 43, "\udcff", "a" * 10_000])
def test_no_other_token_opens(token):
    keys = Keys(80)
    mine = keys.new_token()
    assert not keys.redeem(token)
    assert not keys.redeem(mine[:-1])
    assert keys.redeem(mine)


def test_the_cookie_fits_and_nothing_else_does():
    keys = Keys(80)
    token = keys.new_token()
    assert keys.fits(cookie_of(keys))
    for other in (None, "", token, cookie_of(Keys(80)), "é", "\udcff"):
        assert not keys.fits(other)


def test_a_token_is_not_the_cookie_and_both_have_256_random_bits():
    keys = Keys(80)
    tokens = {keys.new_token() for _ in range(50)} | {cookie_of(keys), cookie_of(Keys(80))}
    assert len(tokens) == 52
    assert all(len(token) == 43 for token in tokens)


def test_secrets_are_compared_in_constant_time(monkeypatch):
    compared = []

    def compare(first, second):
        compared.append((first, second))
        return first == second

    monkeypatch.setattr(module.secrets, "compare_digest", compare)
    keys = Keys(80)
    tokens = [keys.new_token(), keys.new_token()]
    keys.redeem("wrong")
    keys.fits("wrong")
    # Every token, whichever fits: the time does not say how many, or which.
    assert {mine for mine, _ in compared} >= {token.encode() for token in tokens}
    assert len(compared) == 3
    assert secrets is module.secrets


def test_the_cookie_is_kept_from_scripts_and_other_sites():
    assert Keys(4711).set_cookie.startswith("gyrovox-4711=")
    assert Keys(4711).set_cookie.endswith("; HttpOnly; SameSite=Strict; Path=/")
