"""Names that the server goes by, and names that are bent to its address."""

import socket

import pytest

from gyrovox.viewer.hosts import HostNames


@pytest.fixture(autouse=True)
def machine(monkeypatch):
    """A machine with a name: that of one in a container may be `localhost`."""
    monkeypatch.setattr(socket, "gethostname", lambda: "Workstation")
    monkeypatch.setattr(socket, "getfqdn", lambda: "workstation.lab.example")


FOREIGN = [
    "",
    "evil.example",
    "evil.example:8000",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "127.0.0.1@evil.example",
    "evil.example/127.0.0.1",
    "evil.example#127.0.0.1",
    "127.0.0.1:80:80",
    "127.0.0.1:",
    "127.0.0.1:port",
    "127.0.0.1 ",
    "[::1",
    "::1",
    "localhost\n",
    "ⅼocalhost",
]


@pytest.mark.parametrize("header", FOREIGN)
@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "0.0.0.0", "192.0.2.7"])
def test_other_names_are_foreign(address, header):
    assert not HostNames(address).has(header)


@pytest.mark.parametrize("header", ["127.0.0.1", "127.0.0.1:9", "LOCALHOST:9", "[::1]:9"])
@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_a_loopback_address_goes_by_its_names_at_any_port(address, header):
    assert HostNames(address).has(header)


@pytest.mark.parametrize("header", ["192.0.2.7:8000", "[2001:db8::1]:8000", "10.0.0.1"])
def test_a_loopback_address_has_no_number_of_the_network(header):
    assert not HostNames("127.0.0.1").has(header)
    assert not HostNames("127.0.0.1").has("workstation")


def test_an_address_of_the_network_goes_by_its_number_and_the_machines_name():
    names = HostNames("192.0.2.7")
    assert names.has("192.0.2.7:8000")
    assert names.has("workstation:8000")
    assert names.has("WORKSTATION.lab.example:8000")
    assert not names.has("localhost:8000")
    assert not names.has("192.0.2.8:8000")


@pytest.mark.parametrize("address", ["0.0.0.0", "::"])
def test_all_addresses_go_by_any_number_since_no_number_can_be_bent(address):
    names = HostNames(address)
    assert names.has("192.0.2.8:8000")
    assert names.has("[2001:db8::1]:8000")
    assert names.has("localhost:8000")
    assert names.has("workstation")


@pytest.mark.parametrize(
    ("address", "loopback"),
    [("127.0.0.1", True), ("127.1.2.3", True), ("::1", True), ("0.0.0.0", False), ("::", False)],
)
def test_what_is_loopback(address, loopback):
    assert HostNames(address).is_loopback == loopback


def test_an_address_is_shown_as_a_browser_takes_it():
    assert HostNames("127.0.0.1").shown == "127.0.0.1"
    assert HostNames("::1").shown == "[::1]"
    assert HostNames("0.0.0.0").shown == "workstation"
