"""A real socket: where it listens, what it says, and what it does not log."""

import http.client
import logging
import socket
import threading
from contextlib import contextmanager

import pytest

from gyrovox.errors import AddressError, FileAccessError, MissingFileError, ResultError
from gyrovox.viewer.server import ExplorerServer


@contextmanager
def running(server):
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield
    finally:
        server.stop()
        thread.join(20)
        assert not thread.is_alive()


def ask(server, method, path, headers=None, body=None):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    try:
        connection.request(method, path, body=body, headers=headers or {})
        got = connection.getresponse()
        return got.status, got.headers, got.read()
    finally:
        connection.close()


def token_of(address):
    return address.partition("?token=")[2]


def test_it_listens_on_this_machine_alone_and_opens_once(root, static):
    server = ExplorerServer(root, static=static)
    address = server.new_address()
    assert address.startswith(f"http://127.0.0.1:{server.port}/?token=")
    assert server.names.is_loopback
    with running(server):
        status, headers, _ = ask(server, "GET", f"/?token={token_of(address)}")
        assert (status, headers["location"]) == (303, "/")
        assert headers["server"] is None
        cookie = {"Cookie": headers["set-cookie"].partition(";")[0]}
        assert ask(server, "GET", "/", cookie)[0] == 200
        assert ask(server, "GET", "/api/results", cookie)[2].count(b'"index"') == 2
        assert ask(server, "GET", f"/?token={token_of(address)}")[0] == 403
        assert ask(server, "GET", "/api/results")[0] == 403


def test_every_address_is_another(root, static):
    server = ExplorerServer(root, static=static)
    first, second = server.new_address(), server.new_address()
    assert first != second
    with running(server):
        assert ask(server, "GET", f"/?token={token_of(first)}")[0] == 303
        assert ask(server, "GET", f"/?token={token_of(second)}")[0] == 303


def test_nothing_is_logged_of_a_request(root, static, caplog, capfd):
    server = ExplorerServer(root, static=static)
    token = token_of(server.new_address())
    caplog.set_level(logging.DEBUG)
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    with running(server):
        ask(server, "GET", f"/?token={token}")
        ask(server, "GET", f"/?token={token}")
        ask(server, "GET", f"/x?token={token}", upgrade)
        ask(server, "POST", f"/?token={token}", body=b"x")
        with socket.create_connection(("127.0.0.1", server.port)) as raw:
            raw.sendall(f"GET /?token={token} nonsense\r\n\r\n".encode())
            raw.recv(100)
    captured = capfd.readouterr()
    assert token not in captured.out + captured.err + caplog.text
    assert captured.err == ""


def test_a_larger_body_is_refused_over_the_wire(root, static):
    server = ExplorerServer(root, static=static)
    with running(server):
        _, headers, _ = ask(server, "GET", f"/?token={token_of(server.new_address())}")
        cookie = {"Cookie": headers["set-cookie"].partition(";")[0]}
        pieces = iter([b"x" * 2**16] * 17)
        status, _, said = ask(server, "PUT", "/api/results/0/edits", cookie, pieces)
        assert status == 413
        assert b"at most 1048576 bytes" in said


def test_a_foreign_websocket_is_no_websocket(root, static):
    server = ExplorerServer(root, static=static)
    with running(server):
        _, headers, _ = ask(server, "GET", f"/?token={token_of(server.new_address())}")
        cookie = headers["set-cookie"].partition(";")[0]
        upgrade = {
            "Cookie": cookie,
            "Origin": "http://evil.example",
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
        }
        assert ask(server, "GET", "/", upgrade)[0] == 403
        upgrade["Origin"] = f"http://127.0.0.1:{server.port}"
        assert ask(server, "GET", "/", upgrade)[0] == 200  # a page, not a socket


def test_a_port_that_is_taken_is_said_to_be(root, static):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(AddressError, match=rf"{port} is taken by another program. Choose"):
            ExplorerServer(root, port=port, static=static)


@pytest.mark.parametrize("port", [-1, 65536, 10**9])
def test_a_port_must_be_one(root, static, port):
    with pytest.raises(AddressError, match=f"to 65535, and {port} came"):
        ExplorerServer(root, port=port, static=static)


@pytest.mark.parametrize("host", ["256.1.1.1", "192.0.2.7", "no.such.host.invalid", "a" * 70, "\0"])
def test_a_host_must_be_of_this_machine(root, static, host):
    with pytest.raises(AddressError, match="the host must be an address of this machine"):
        ExplorerServer(root, host=host, static=static)


def test_all_addresses_are_no_loopback(root, static):
    server = ExplorerServer(root, host="0.0.0.0", static=static)
    assert not server.names.is_loopback
    assert server.new_address().startswith(f"http://{socket.gethostname().lower()}:{server.port}/")
    with running(server):
        assert ask(server, "GET", "/", {"Host": "evil.example"})[0] == 403


def test_nothing_is_opened_that_leads_out(root, static, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("secret")
    (root / "first" / "edits.json").symlink_to(secret)
    with pytest.raises(FileAccessError, match=r"edits.json: what is opened must lie in"):
        ExplorerServer(root, static=static)


def test_there_must_be_a_result_and_a_page(root, static, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ResultError, match="folder of results must hold"):
        ExplorerServer(tmp_path / "empty", static=static)
    with pytest.raises(MissingFileError, match="a result must be a folder"):
        ExplorerServer(tmp_path / "absent", static=static)
    with pytest.raises(MissingFileError, match="the explorer's page must be in"):
        ExplorerServer(root, static=tmp_path / "empty")
