"""Attacks on the door: nobody passes who was not let in, and nothing leaks on the way."""

import re

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from gyrovox.viewer.guard import LARGEST_BODY, MOST_TAKEN, Guard
from gyrovox.viewer.hosts import HostNames
from gyrovox.viewer.keys import Keys

PORT = 8123
OWN = f"http://127.0.0.1:{PORT}"
METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"]


@pytest.fixture
def reached():
    """What got past the guard: (method, body)."""
    return []


@pytest.fixture
def keys():
    return Keys(PORT)


@pytest.fixture
def app(keys, reached):
    async def echo(request: Request):
        reached.append((request.method, await request.body()))
        return PlainTextResponse("inside")

    async def socket(websocket):
        reached.append(("websocket", b""))
        await websocket.accept()
        await websocket.close()

    inner = Starlette(
        routes=[
            Route("/{path:path}", echo, methods=METHODS),
            WebSocketRoute("/{path:path}", socket),
        ]
    )
    return Guard(inner, keys=keys, names=HostNames("127.0.0.1"))


@pytest.fixture
def stranger(app):
    return TestClient(app, base_url=OWN, follow_redirects=False)


@pytest.fixture
def client(app, keys, reached):
    client = TestClient(app, base_url=OWN, follow_redirects=False)
    client.get("/", params={"token": keys.new_token()})
    assert reached == []
    return client


def test_a_token_is_given_for_a_cookie_and_leaves_the_address(stranger, keys, reached):
    token = keys.new_token()
    got = stranger.get("/", params={"token": token})
    assert (got.status_code, got.headers["location"]) == (303, "/")
    cookie = got.headers["set-cookie"]
    assert re.fullmatch(r"gyrovox-8123=[\w-]{43}; HttpOnly; SameSite=Strict; Path=/", cookie)
    assert token not in str(got.headers) + got.text
    assert got.headers["cache-control"] == "no-store"
    assert reached == []
    assert stranger.get("/").text == "inside"


def test_a_token_works_once(app, stranger, keys):
    token = keys.new_token()
    assert stranger.get("/", params={"token": token}).status_code == 303
    thief = TestClient(app, base_url=OWN, follow_redirects=False)
    got = thief.get("/", params={"token": token})
    assert got.status_code == 403
    assert "set-cookie" not in got.headers


def test_who_is_known_may_use_the_address_again(client, keys):
    got = client.get("/", params={"token": "used before"})
    assert (got.status_code, got.headers["location"]) == (303, "/")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("path", ["/", "/api/results", "/assets/page.js", "//", "/%2e%2e/"])
def test_nobody_passes_without_a_token(stranger, reached, method, path):
    got = stranger.request(method, path)
    assert got.status_code == 403
    assert reached == []
    assert "set-cookie" not in got.headers


@pytest.mark.parametrize("token", ["", "wrong", "%00", "a" * 5000, "%C3%A9"])
def test_a_wrong_token_opens_nothing(stranger, reached, token):
    assert stranger.get(f"/?token={token}").status_code == 403
    assert reached == []


def test_a_token_opens_only_the_page_and_only_by_get(stranger, keys, reached):
    token = keys.new_token()
    for method, path in [("HEAD", "/"), ("POST", "/"), ("GET", "/api/results"), ("GET", "/x")]:
        assert stranger.request(method, path, params={"token": token}).status_code == 403
    assert stranger.get("/", headers={"Cookie": f"token={token}"}).status_code == 403
    assert stranger.get("/", headers={"Authorization": f"Bearer {token}"}).status_code == 403
    assert reached == []
    # A preview of the link, by HEAD, has not used it up.
    assert stranger.get("/", params={"token": token}).status_code == 303


@pytest.mark.parametrize("cookie", ["gyrovox-8123=wrong", "gyrovox-8123=", "gyrovox-1={}", "{}"])
def test_a_wrong_cookie_opens_nothing(client, app, reached, cookie):
    mine = client.cookies["gyrovox-8123"]
    other = TestClient(app, base_url=OWN, headers={"Cookie": cookie.format(mine)})
    assert other.get("/api/results").status_code == 403
    assert reached == []


def test_words_for_a_person_and_json_for_the_page(stranger):
    assert stranger.get("/").text == (
        "gyrovox: this browser is not known here. Open the address that `gyrovox view` printed; "
        "it works once.\n"
    )
    assert stranger.get("/api/results").json()["error"].startswith("this browser is not known")


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_who_follows_a_link_of_another_page_is_led_in_by_ours(stranger, client, site):
    # The browser has the cookie, but does not send it here: this server has not led here.
    got = stranger.get("/", headers={"Sec-Fetch-Site": site})
    assert got.status_code == 403
    assert 'http-equiv="refresh" content="0;url=/"' in got.text
    again = stranger.get("/", headers={"Sec-Fetch-Site": "same-origin"})
    assert "refresh" not in again.text


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT"])
@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8123", "localhost.evil.example:8123", "", "10.0.0.9"]
)
def test_another_name_for_the_server_is_refused(client, keys, reached, method, host):
    got = client.request(method, "/api/results", headers={"Host": host})
    assert got.status_code == 403
    token = keys.new_token()
    assert client.get("/", params={"token": token}, headers={"Host": host}).status_code == 403
    assert reached == []


@pytest.mark.parametrize("hosts", [[], [b"127.0.0.1:8123", b"evil.example"], [b"localhost"] * 2])
def test_there_must_be_one_host(app, client, hosts, reached):
    cookie = f"gyrovox-8123={client.cookies['gyrovox-8123']}"

    async def with_hosts(scope, receive, send):
        others = [(name, value) for name, value in scope["headers"] if name != b"host"]
        await app({**scope, "headers": others + [(b"host", host) for host in hosts]}, receive, send)

    got = TestClient(with_hosts, base_url=OWN, headers={"Cookie": cookie}).get("/api/results")
    assert got.status_code == 403
    assert reached == []


@pytest.mark.parametrize("host", ["localhost:9000", "127.0.0.1:9000", "[::1]:9000", "localhost"])
def test_a_tunnel_may_have_another_port(client, host):
    assert client.get("/", headers={"Host": host}).status_code == 200
    origin = {"Host": host, "Origin": f"http://{host}"}
    assert client.put("/api/x", headers=origin).status_code == 200


FOREIGN = [
    "http://evil.example",
    "null",
    "",
    "http://127.0.0.1",
    "http://127.0.0.1:8124",
    "https://127.0.0.1:8123",
    "http://localhost:8123",
    "http://127.0.0.1:8123.evil.example",
    "http://127.0.0.1:8123/",
]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("origin", FOREIGN)
def test_another_origin_is_refused(client, reached, method, origin):
    got = client.request(method, "/api/results", headers={"Origin": origin})
    assert got.status_code == 403
    assert reached == []


@pytest.mark.parametrize("method", METHODS)
def test_our_own_origin_passes(client, reached, method):
    assert client.request(method, "/api/x", headers={"Origin": OWN}).status_code == 200
    assert len(reached) == 1


@pytest.mark.parametrize(
    "headers", [{"Origin": "http://evil.example"}, {"Host": "evil.example"}, {"Cookie": "x=y"}]
)
def test_websockets_pass_the_same_door(client, reached, headers):
    path = f"ws://127.0.0.1:{PORT}/socket"
    if "Cookie" in headers:
        client.cookies.clear()
    with pytest.raises(WebSocketDisconnect), client.websocket_connect(path, headers=headers):
        pass
    assert reached == []


def test_our_own_websocket_passes(client, reached):
    with client.websocket_connect(f"ws://127.0.0.1:{PORT}/socket", headers={"Origin": OWN}):
        pass
    assert reached == [("websocket", b"")]


@pytest.mark.parametrize("method", ["POST", "PUT", "GET"])
def test_a_body_as_large_as_may_be_arrives_whole(client, reached, method):
    body = bytes(range(256)) * (LARGEST_BODY // 256)
    assert client.request(method, "/api/x", content=body).status_code == 200
    assert reached == [(method, body)]


def test_a_body_in_pieces_arrives_whole(client, reached):
    assert client.put("/api/x", content=iter([b"one ", b"", b"two"])).status_code == 200
    assert reached == [("PUT", b"one two")]


@pytest.mark.parametrize("method", ["POST", "PUT", "GET", "DELETE"])
def test_a_larger_body_is_refused(client, reached, method):
    got = client.request(method, "/api/x", content=b"x" * (LARGEST_BODY + 1))
    assert got.status_code == 413
    assert got.json() == {"error": "a request has at most 1048576 bytes."}
    assert reached == []


def test_a_body_that_is_said_to_be_huge_is_not_even_taken(app, client, reached):
    async def unread(scope, _receive, send):
        async def receive():
            raise AssertionError("the body was taken")

        await app(scope, receive, send)

    other = TestClient(unread, base_url=OWN, cookies=dict(client.cookies))
    assert other.put("/api/x", content=b"x" * (MOST_TAKEN + 1)).status_code == 413
    assert reached == []


def test_a_larger_body_is_refused_though_it_does_not_say_its_length(app, client, reached):
    taken = []

    def pieces():
        for piece in range(1000):
            taken.append(piece)
            yield b"x" * 65536

    async def in_pieces(scope, receive, send):
        left = pieces()

        async def one():
            piece = next(left, None)
            return {"type": "http.request", "body": piece or b"", "more_body": piece is not None}

        await app(scope, one, send)

    chunked = TestClient(in_pieces, base_url=OWN, cookies=dict(client.cookies))
    got = chunked.put("/api/x", headers={"Transfer-Encoding": "chunked"})
    assert got.status_code == 413
    assert len(taken) == MOST_TAKEN // 65536 + 1  # the rest was not even taken
    assert reached == []


@pytest.mark.parametrize("length", ["-1", "1e3", "99999999999999999999", "12 ", "½", ""])
def test_a_length_that_is_none_is_refused(app, client, reached, length):
    async def saying(scope, receive, send):
        others = [(name, value) for name, value in scope["headers"] if name != b"content-length"]
        headers = [*others, (b"content-length", length.encode("latin-1"))]
        await app({**scope, "headers": headers}, receive, send)

    other = TestClient(saying, base_url=OWN, cookies=dict(client.cookies))
    assert other.put("/api/x", content=b"x").status_code == 413
    assert reached == []


@pytest.mark.parametrize("known", [True, False])
def test_every_answer_has_the_headers_that_keep_it_here(client, stranger, known):
    got = (client if known else stranger).get("/")
    assert got.status_code == (200 if known else 403)
    policy = dict(
        directive.split(" ", 1) for directive in got.headers["content-security-policy"].split("; ")
    )
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    # Nothing is loaded from a host, and no text becomes a script.
    assert not re.search(r"unsafe-inline|'unsafe-eval'|\*|https?:|//", str(policy))
    assert got.headers["referrer-policy"] == "no-referrer"
    assert got.headers["x-content-type-options"] == "nosniff"
    assert got.headers["cross-origin-resource-policy"] == "same-origin"
    assert got.headers["cross-origin-opener-policy"] == "same-origin"
    assert "access-control-allow-origin" not in got.headers
