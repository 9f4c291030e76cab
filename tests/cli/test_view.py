"""`gyrovox view`: a real process on a real port, and what it says."""

import builtins
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import webbrowser
from contextlib import contextmanager

import pytest
from hand_made_result import boxes, write_hand_made
from page_stub import write_page

from gyrovox.viewer import ExplorerServer, server

ADDRESS = re.compile(r"http://127\.0\.0\.1:(\d+)/\?token=([\w-]{43})\n")
# As the command, with another page: the built one need not be there for these tests.
PROGRAM = """
import sys
from pathlib import Path
import gyrovox.viewer.server as server
server.STATIC = Path(sys.argv.pop(1))
from gyrovox.cli import main
main()
"""


@pytest.fixture(scope="module")
def static(tmp_path_factory):
    return write_page(tmp_path_factory.mktemp("page") / "static")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_hand_made(tmp_path_factory.mktemp("out") / "scan", boxes())


@contextmanager
def viewing(static, *words):
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(static), "view", *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "GYROVOX_TRACEBACK": ""},
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def ask(port, method, path, headers=None, body=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request(method, path, body=body, headers=headers or {})
        got = connection.getresponse()
        return got.status, got.headers, got.read()
    finally:
        connection.close()


def test_a_result_is_served_until_it_is_interrupted(folder, static):
    with viewing(static, folder, "--no-browser") as process:
        line = process.stdout.readline()
        port, token = ADDRESS.fullmatch(line).groups()
        status, headers, _ = ask(int(port), "GET", f"/?token={token}")
        assert status == 303
        cookie = {"Cookie": headers["set-cookie"].partition(";")[0]}
        assert b"<title>page</title>" in ask(int(port), "GET", "/", cookie)[2]
        (result,) = json.loads(ask(int(port), "GET", "/api/results", cookie)[2])
        assert (result["name"], result["has_image"]) == ("scan", True)
        status, headers, leaves = ask(int(port), "GET", "/api/results/0/leaves.nii.gz", cookie)
        assert (status, leaves[:2]) == (200, b"\x1f\x8b")
        assert ask(int(port), "GET", "/api/results")[0] == 403
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
        assert process.returncode == 0
        assert out == ""
        assert err.splitlines() == ["Ctrl-C stops the explorer.", "the explorer has stopped."]
        assert token not in err


@pytest.fixture
def served(monkeypatch, static):
    """Servers that were started, and at once stopped; addresses that a browser was given."""
    started, opened = [], []
    monkeypatch.setattr(server, "STATIC", static)

    def run(server):
        started.append(server)
        server._socket.close()
        raise KeyboardInterrupt

    def give(address):
        opened.append(address)
        return True

    monkeypatch.setattr(ExplorerServer, "run", run)
    monkeypatch.setattr(webbrowser, "open", give)
    monkeypatch.setenv("DISPLAY", ":0")
    return started, opened


def test_a_browser_is_opened_at_an_address_of_its_own(run, served, folder):
    started, opened = served
    done = run("view", folder)
    assert done.code == 0
    (address,) = opened
    assert ADDRESS.fullmatch(address + "\n")
    assert ADDRESS.fullmatch(done.out)
    assert done.out != address + "\n"  # that of the terminal still works
    assert len(started) == 1


@pytest.mark.skipif(sys.platform in {"win32", "darwin"}, reason="there is always a screen")
def test_no_browser_is_opened_in_the_terminal(run, served, folder, monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    assert run("view", folder).code == 0
    assert served[1] == []


def test_no_browser_means_none(run, served, folder):
    assert run("view", folder, "--no-browser").code == 0
    assert served[1] == []


def test_this_machine_alone_needs_no_warning(run, served, folder):
    assert "warning" not in run("view", folder, "--host", "localhost").err


def test_letting_others_in_is_warned_about(run, served, folder):
    done = run("view", folder, "--host", "0.0.0.0", "--no-browser")
    assert done.code == 0
    assert done.err.startswith("gyrovox: warning: 0.0.0.0 is reached from other machines. Whoever")
    assert "`ssh -L` is safer" in done.err


def test_a_port_that_is_taken_is_one_line(run, served, folder, static):
    other = ExplorerServer(folder, static=static)
    try:
        done = run("view", folder, "--port", other.port)
    finally:
        other._socket.close()
    assert done.code == 1
    assert done.err == (
        f"gyrovox: the port must be free, and {other.port} is taken by another program. "
        f"Choose another --port, or leave it out\n"
    )


def test_a_folder_without_a_result_is_one_line(run, served, tmp_path):
    done = run("view", tmp_path)
    assert done.code == 1
    assert "folder of results must hold" in done.err


@pytest.mark.parametrize("missing", ["starlette", "uvicorn"])
def test_what_is_not_installed_is_named(run, folder, monkeypatch, missing):
    real = builtins.__import__

    def without(name, *rest):
        if name.split(".")[0] == missing or name == "gyrovox.viewer":
            raise ModuleNotFoundError(f"No module named '{missing}'", name=missing)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    done = run("view", folder)
    assert done.code == 1
    assert done.err == (
        f"gyrovox: the explorer needs {missing}, which is not installed. Install it with "
        f"`pip install 'gyrovox[web]'`\n"
    )
