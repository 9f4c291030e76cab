"""The page and its errors: no address names a file that is not the page's."""

import pytest
from starlette.exceptions import HTTPException
from starlette.testclient import TestClient

from gyrovox.errors import EditConflictError, MissingFileError, TreeError
from gyrovox.viewer.api import Api

UP = ["..", "%2e%2e", "%2E%2e", ".%2e", "%252e%252e", "..%00", "....", "..;"]
SLASHES = ["/", "%2f", "%5c", "\\", "%2F", "%252f", "//", "/./"]
STATIC_FILES = {"/", "/assets/page.css", "/assets/page.js"}


def test_the_page_comes_with_its_files(client):
    got = client.get("/")
    assert got.text == "<!doctype html><title>page</title>"
    assert got.headers["content-type"] == "text/html; charset=utf-8"
    assert client.get("/assets/page.js").headers["content-type"].startswith("text/javascript")
    tag = client.get("/assets/page.css").headers["etag"]
    assert client.get("/assets/page.css", headers={"If-None-Match": tag}).status_code == 304
    assert client.head("/assets/page.js").status_code == 200


@pytest.fixture
def beside(static):
    """A secret beside the page, which every attack looks for."""
    secret = static.parent / "secret.json"
    secret.write_text("the secret")
    return secret


@pytest.mark.parametrize("slash", SLASHES)
@pytest.mark.parametrize("up", UP)
def test_no_address_leads_out_of_the_page(client, beside, up, slash):
    for start, depth in (
        ("/", 1),
        ("/assets/", 2),
        ("/assets/page.js/", 3),
        ("/api/results/0/", 4),
    ):
        for target in (beside.name, f"static{slash}index.html"):
            got = client.get(start + (up + slash) * depth + target)
            # The client itself walks up plain `..`, so some of these ask for the page as it is.
            assert got.status_code in {403, 404} or got.request.url.path in STATIC_FILES
            assert "the secret" not in got.text


@pytest.mark.parametrize("prefix", ["/", "//", "/file:", "/file://", "/%2f", "/C:%5c", "/%5c%5c"])
def test_no_absolute_path_is_served(client, beside, prefix):
    for path in (str(beside), "/etc/hosts"):
        got = client.get(prefix + path)
        assert got.status_code == 404
        assert got.json() == {"error": "there is nothing at this address."}


def test_raw_paths_lead_nowhere(opened, beside):
    """As a client that normalises nothing sends them."""
    app, cookie = opened.app, opened.client().cookies["gyrovox-8123"]
    for path in ("/../secret.json", "/assets/../../secret.json", f"/{beside}", "\\secret.json"):

        async def raw(scope, receive, send, path=path):
            await app({**scope, "path": path, "raw_path": path.encode()}, receive, send)

        client = TestClient(raw, base_url="http://127.0.0.1:8123")
        got = client.get("/", headers={"Cookie": f"gyrovox-8123={cookie}"})
        assert got.status_code == 404


def test_files_of_results_have_no_address(client, root):
    for path in (path for path in root.rglob("*") if path.name != "leaves.nii.gz"):
        assert client.get(f"/{path.relative_to(root).as_posix()}").status_code == 404
        assert client.get(f"/api/results/0/{path.name}").status_code == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_pages_are_only_read(client, method):
    assert client.request(method, "/").status_code == 405
    assert client.request(method, "/api/results").status_code == 405


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (EditConflictError("in your own words"), 409),
        (MissingFileError("in your own words"), 404),
        (TreeError("in your own words"), 422),
        (HTTPException(404, "in your own words"), 404),
    ],
)
def test_errors_are_said_in_their_own_words(client, monkeypatch, error, status):
    def fail(*_):
        raise error

    monkeypatch.setattr(Api, "_result", fail)
    for got in (
        client.get("/api/results/0/tree"),
        client.get("/api/results/0/edits"),
        client.put("/api/results/0/edits", json={}),
        client.post("/api/results/0/export", json={}),
    ):
        assert got.status_code == status
        assert got.json() == {"error": "in your own words"}
        assert got.headers["cache-control"] == "no-store"


def test_a_fault_is_said_to_be_one(opened, monkeypatch):
    client = opened.client(raises=False)

    def fail(*_):
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr(Api, "_result", fail)
    got = client.get("/api/results/0/tree")
    assert got.status_code == 500
    assert got.json()["error"].startswith("unexpected ZeroDivisionError: by zero. This is a fault")
    assert got.headers["content-security-policy"].startswith("default-src 'none'")
