"""Answers are made once, kept within bounds, and not sent again to who has them."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from starlette.requests import Request

from gyrovox.viewer.kept_answer import AnswerStore, KeptAnswer


def asking(**headers):
    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": "GET", "headers": named})


def answer(content=b"bytes", **headers):
    return KeptAnswer(content, "text/plain", headers)


def test_the_bytes_come_with_their_tag_and_headers():
    got = answer(**{"X-Step": "2"}).answer(asking())
    assert (got.status_code, got.body) == (200, b"bytes")
    assert got.headers["x-step"] == "2"
    assert got.headers["cache-control"] == "private, no-cache"
    assert got.headers["etag"] == answer().tag


@pytest.mark.parametrize("asked", ["{}", "W/{}", '"other", {}'])
def test_who_has_them_is_told_so(asked):
    kept = answer(**{"X-Step": "2"})
    got = kept.answer(asking(if_none_match=asked.format(kept.tag)))
    assert (got.status_code, got.body) == (304, b"")
    assert got.headers["x-step"] == "2"


def test_who_has_others_gets_them():
    assert answer().answer(asking(if_none_match=answer(b"others").tag)).status_code == 200


def test_an_answer_is_made_once_though_many_ask_at_a_time():
    store, made, meet = AnswerStore(), [], threading.Barrier(4)

    def make():
        made.append(1)
        time.sleep(0.1)  # for the others to come
        return answer()

    def ask(_):
        meet.wait()
        return store.get("one", make)

    with ThreadPoolExecutor(4) as threads:
        got = list(threads.map(ask, range(4)))
    assert len(made) == 1
    assert all(one is got[0] for one in got)


def test_while_one_is_made_another_can_be():
    store, started, go_on = AnswerStore(), threading.Event(), threading.Event()

    def slow():
        started.set()
        assert go_on.wait(10)
        return answer(b"slow")

    with ThreadPoolExecutor(1) as thread:
        waiting = thread.submit(store.get, "slow", slow)
        assert started.wait(10)
        assert store.get("fast", lambda: answer(b"fast")).content == b"fast"
        go_on.set()
        assert waiting.result(10).content == b"slow"


def test_what_failed_is_tried_again():
    store = AnswerStore()

    def fail():
        raise ValueError("not now")

    with pytest.raises(ValueError, match="not now"):
        store.get("one", fail)
    assert store.get("one", answer).content == b"bytes"


def test_what_was_asked_for_longest_ago_goes_first():
    store, made = AnswerStore(most_bytes=20), []

    def get(name):
        def make():
            made.append(name)
            return answer(b"x" * 9)

        return store.get(name, make)

    for name in ("a", "b", "a", "c", "a", "b"):
        get(name)
    assert made == ["a", "b", "c", "b"]


def test_an_answer_larger_than_the_store_is_kept_until_the_next():
    store = AnswerStore(most_bytes=1)
    first = store.get("one", answer)
    assert store.get("one", answer) is first
