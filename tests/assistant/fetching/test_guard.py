from ipaddress import ip_address

import httpcore
import pytest
from sites import page, site

from assistant.errors import FetchError
from assistant.fetching import Guard, fetch
from assistant.fetching.guard import Deadline, GuardedBackend, is_public, resolve


@pytest.mark.parametrize(
    "text", "8.8.8.8 1.1.1.1 100.63.255.255 2606:4700::1111 2a00:1450::1".split()
)
def test_address_of_the_internet_is_public(text: str) -> None:
    assert is_public(ip_address(text))


@pytest.mark.parametrize(
    "text",
    [
        *"0.0.0.0 10.1.2.3 100.64.0.1 127.0.0.1 127.255.0.9 168.63.129.16 169.254.169.254".split(),
        *"172.16.0.1 172.31.255.255 192.0.0.192 192.0.2.1 192.88.99.1 192.168.1.1".split(),
        *"198.18.0.1 198.51.100.1 203.0.113.1 224.0.0.1 240.0.0.1 255.255.255.255".split(),
        *":: ::1 ::8.8.8.8 ::ffff:127.0.0.1 ::ffff:8.8.8.8 ::ffff:0:8.8.8.8".split(),
        *"64:ff9b::7f00:1 64:ff9b:1::1 100::1 2001::1 2001:db8::1 2002:7f00:1::".split(),
        *"3fff::1 5f00::1 fc00::1 fd00:ec2::254 fe80::1 fe80::1%1 fec0::1 ff02::1".split(),
    ],
)
def test_other_address_is_not_public(text: str) -> None:
    assert not is_public(ip_address(text))


@pytest.mark.parametrize(
    "host",
    "127.0.0.1 127.1 2130706433 0x7f000001 0x7f.1 0177.0.0.1 017700000001 0.0.0.0 0 localhost"
    " LOCALHOST localhost. [::1] [::] [::ffff:127.0.0.1] [::ffff:7f00:1] [64:ff9b::7f00:1]"
    " [fe80::1] 169.254.169.254 10.0.0.1 127。0。0。1".split(),
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_host_of_this_network_is_refused_however_it_is_written(scheme: str, host: str) -> None:
    with pytest.raises(FetchError) as caught:
        fetch(f"{scheme}://{host}/x")
    # Where a C library or httpx does not read it as an address, there is no such host.
    assert any(words in str(caught.value) for words in ("not on the public", "no host", "no web"))


def test_name_in_punycode_is_refused_by_its_address() -> None:
    guard = Guard(resolve=lambda host, port: ["10.0.0.1"] if host == "xn--eul-lma.example" else [])
    for host in ("xn--eul-lma.example", "eulë.example"):
        with pytest.raises(FetchError, match="has the address 10"):
            fetch(f"http://{host}/", guard=guard)


@pytest.mark.parametrize(
    "addresses", [["9.9.9.9", "10.0.0.1"], ["10.0.0.1", "9.9.9.9"], ["9.9.9.9", "::1"]]
)
def test_name_with_a_public_and_a_private_address_is_refused(addresses: list[str]) -> None:
    guard = Guard(resolve=lambda host, port: addresses)
    with pytest.raises(FetchError, match="not on the public internet"):
        fetch("http://two.example/", guard=guard)


def test_name_is_looked_up_once_and_that_address_is_connected_to() -> None:
    """A name that is public at the first look and private at the second."""
    looks = []

    def look(host: str, port: int) -> list[str]:
        looks.append(host)
        return ["127.0.0.1"] if len(looks) == 1 else ["127.0.0.2"]

    with site({"/": page(b"<html>owls")}) as port:
        guard = Guard(
            frozenset([port]), permits=lambda address: str(address) == "127.0.0.1", resolve=look
        )
        assert fetch(f"http://rebinding.example:{port}/", guard=guard).content == b"<html>owls"
    assert looks == ["rebinding.example"]


def test_second_address_is_tried_where_the_first_takes_no_connection() -> None:
    with site({"/": page(b"<html>owls")}) as port:
        guard = Guard(
            frozenset([port]),
            permits=lambda address: True,
            resolve=lambda host, port: ["127.0.0.9", "127.0.0.1"],
        )
        assert fetch(f"http://two.example:{port}/", guard=guard).content == b"<html>owls"


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a..b", f"{'a' * 70}.example"])
def test_name_that_nobody_has_is_refused(host: str) -> None:
    with pytest.raises(FetchError, match=f"there is no host {host}"):
        fetch(f"http://{host}/")


def test_backend_refuses_a_private_address_whoever_asks_it() -> None:
    backend = GuardedBackend(Guard(), Deadline(5))
    with pytest.raises(FetchError):
        backend.connect_tcp("127.0.0.1", 80)


def test_connection_after_the_deadline_is_refused() -> None:
    everywhere = Guard(permits=lambda address: True)
    with site({}) as port, pytest.raises(TimeoutError):
        GuardedBackend(everywhere, Deadline(0)).connect_tcp("127.0.0.1", port)
    with pytest.raises(httpcore.ConnectError):
        GuardedBackend(everywhere, Deadline(5)).connect_tcp("127.0.0.1", port)


def test_resolve_gives_each_address_once() -> None:
    assert resolve("127.0.0.1", 80) == ["127.0.0.1"]
