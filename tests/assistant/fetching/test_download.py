import datetime
import gzip
import socket
import ssl
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from importlib.metadata import version
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from files import HTML
from sites import Page, page, redirect, site

from assistant.errors import FetchError
from assistant.fetching import LIMITS, Guard, Limits, fetch
from assistant.fetching.guard import is_public

SMALL = Limits(content_bytes=10_000, seconds=0.5)


def here(port: int) -> Guard:
    """What permits one port of this machine, besides the web."""
    return Guard(
        ports=frozenset([80, 443, port]),
        permits=lambda address: is_public(address) or address == ip_address("127.0.0.1"),
    )


@contextmanager
def refused(limits: Limits = LIMITS, **pages: Page) -> Iterator[pytest.ExceptionInfo[FetchError]]:
    """The error that comes of `/first` on a site with these pages, by name."""
    with site({f"/{name}": answer for name, answer in pages.items()}) as port:
        with pytest.raises(FetchError) as caught:
            fetch(f"http://127.0.0.1:{port}/first", limits, here(port))
        assert str(caught.value).startswith(f"http://127.0.0.1:{port}/first: ")
        assert "\n" not in str(caught.value)
        assert ";" in str(caught.value)  # the way out follows it
        yield caught


def test_page_arrives_with_its_address_and_its_moment() -> None:
    asked = []

    def answer(request: BaseHTTPRequestHandler) -> None:
        asked.append(dict(request.headers))
        page(HTML.encode())(request)

    before = datetime.datetime.now(datetime.UTC)
    with site({"/the%20lamp?x=%C3%BC": answer}) as port:
        fetched = fetch(f"HTTP://127.0.0.1:{port}/the lamp?x=ü#owls", guard=here(port))
    assert fetched.url == f"http://127.0.0.1:{port}/the%20lamp?x=%C3%BC"
    assert (fetched.content, fetched.suffix) == (HTML.encode(), ".html")
    assert before <= fetched.at <= datetime.datetime.now(datetime.UTC)
    assert asked == [
        {
            "Host": f"127.0.0.1:{port}",
            "User-Agent": f"diamond-assistant/{version('diamond-assistant')}",
            "Accept": "*/*",
            "Accept-Encoding": "gzip",
            "Connection": "close",
        }
    ]


def test_redirects_are_followed_and_no_cookie_is_kept() -> None:
    asked = []

    def last(request: BaseHTTPRequestHandler) -> None:
        asked.append(request.headers.get("Cookie"))
        page(b"<html>owls")(request)

    pages = {
        "/a": page(status=301, Location="b/?c=1", Set_Cookie="owl=1; Path=/"),
        "/d": last,
    }
    with site(pages) as port:
        pages["/b/?c=1"] = redirect(f"//owls.example:{port}/d", 307)
        guard = replace(here(port), resolve=lambda host, port: ["127.0.0.1"])
        fetched = fetch(f"http://127.0.0.1:{port}/a", guard=guard)
        assert fetched.url == f"http://owls.example:{port}/d"
    assert asked == [None]


def test_proxy_of_the_environment_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with site({"/": page(b"<html>owls")}) as port:
        assert fetch(f"http://127.0.0.1:{port}/", guard=here(port)).content == b"<html>owls"


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://agency.example/x", "begins with http:// or https://"),
        ("file:///etc/passwd", "begins with http:// or https://"),
        ("javascript:alert(1)", "begins with"),
        ("agency.example/lamp", "begins with"),
        ("//agency.example/lamp", "begins with"),
        ("http:///lamp", "begins with"),
        ("", "begins with"),
        ("http://[::1", "see that it is right"),
        ("http://agency.example\n/", "see that it is right"),
        ("http://①②⑦.⓪.⓪.①/", "see that it is right"),
        ("http://agency.example:port/", "see that it is right"),
        ("http://agency.example:8080/", "port 8080 is not one of the web's"),
        ("http://agency.example:0/", "port 0 "),
        ("http://agency.example:22/", "port 22 "),
        ("http://me@agency.example/", "a user name or a password stands in it"),
        ("http://agency.example\\@evil.example/", "a user name or a password"),
        ("http://agency.example/" + "x" * 2000, "longer than 2,000 characters"),
    ],
)
def test_address_that_cannot_be_used_is_refused(url: str, reason: str) -> None:
    with pytest.raises(FetchError, match=reason) as caught:
        fetch(url)
    assert len(str(caught.value).splitlines()) == 1
    assert len(str(caught.value)) < 400


def test_password_is_not_shown() -> None:
    with pytest.raises(FetchError) as caught:
        fetch("https://me:secret@agency.example/lamp")
    assert str(caught.value).startswith("https://agency.example/lamp: a user name or a password")
    assert "secret" not in str(caught.value)


def test_port_of_this_machine_is_refused_unless_permitted() -> None:
    with site({"/": page(b"<html>owls")}) as port:
        with pytest.raises(FetchError, match="is not one of the web's"):
            fetch(f"http://127.0.0.1:{port}/")
        with pytest.raises(FetchError, match="not on the public internet"):
            fetch(f"http://127.0.0.1:{port}/", guard=Guard(ports=frozenset([port])))


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("http://169.254.169.254/latest/meta-data/", "not on the public internet"),
        ("http://10.0.0.1/", "not on the public internet"),
        ("http://[::1]/", "not on the public internet"),
        ("http://me:secret@agency.example/", "a user name or a password"),
        ("http://agency.example:8080/", "port 8080"),
        ("file:///etc/passwd", "begins with http"),
        ("http://[::1", "no web address"),
        ("/first", "after 5 redirects"),
        ("", "after 5 redirects"),
    ],
)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_to_what_is_not_fetched_is_refused(
    location: str, reason: str, status: int
) -> None:
    with refused(first=redirect(location, status)) as caught:
        assert "it leads to" in str(caught.value)
        assert reason in str(caught.value)
        assert "secret" not in str(caught.value)


def test_five_redirects_are_followed_and_six_are_not() -> None:
    pages = {f"/{n}": redirect(f"/{n + 1}") for n in range(6)} | {"/6": page(b"<html>owls")}
    with site(pages) as port:
        assert fetch(f"http://127.0.0.1:{port}/1", guard=here(port)).url.endswith("/6")
        with pytest.raises(FetchError, match="after 5 redirects"):
            fetch(f"http://127.0.0.1:{port}/0", guard=here(port))


@pytest.mark.parametrize(
    ("status", "named"),
    [(404, "404 Not Found"), (403, "403 Forbidden"), (503, "503 Service"), (204, "204"),
     (304, "304"), (299, "299")],
)  # fmt: skip
def test_answer_that_is_no_page_is_refused(status: int, named: str) -> None:
    with refused(first=page(status=status)) as caught:
        assert f"its server answers {named}" in str(caught.value)


def test_picture_and_empty_page_are_refused() -> None:
    with refused(first=page(b"x", "image/png")) as caught:
        assert "its server calls it 'image/png'" in str(caught.value)
    with refused(first=page()) as caught:
        assert "its server sends nothing" in str(caught.value)


def test_page_too_large_is_refused_by_what_it_declares() -> None:
    with refused(SMALL, first=page(b"x", Content_Length="10001")) as caught:
        assert "more than 0.00954 MiB" in str(caught.value)


def test_page_too_large_is_refused_by_what_it_sends() -> None:
    with refused(SMALL, first=page(b"x" * 10_001)) as caught:
        assert "more than" in str(caught.value)
    with site({"/": page(b"x" * 10_000, Content_Encoding="identity")}) as port:
        assert len(fetch(f"http://127.0.0.1:{port}/", SMALL, here(port)).content) == 10_000


def test_packed_page_is_unpacked() -> None:
    packed = page(gzip.compress(b"<html>owls"), Content_Encoding="gzip")
    with site({"/": packed}) as port:
        assert fetch(f"http://127.0.0.1:{port}/", guard=here(port)).content == b"<html>owls"


def test_bomb_is_refused() -> None:
    bomb = gzip.compress(b"x" * 50_000_000)
    assert len(bomb) < 50_000
    with refused(first=page(bomb, Content_Encoding="gzip")) as caught:
        assert "more than 20 MiB" in str(caught.value)


def test_bomb_is_not_unpacked_first() -> None:
    bomb = page(gzip.compress(b"x" * 50_000_000), Content_Encoding="gzip")
    tracemalloc.start()
    try:
        with refused(SMALL, first=bomb):
            assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


def test_empty_gzip_members_are_not_read_for_ever() -> None:
    with refused(SMALL, first=page(gzip.compress(b"") * 1000, Content_Encoding="gzip")) as caught:
        assert "more than" in str(caught.value) or "sends nothing" in str(caught.value)


@pytest.mark.parametrize("encoding", ["br", "zstd", "deflate", "gzip, gzip"])
def test_packing_that_was_not_asked_for_is_refused(encoding: str) -> None:
    with refused(first=page(b"x", Content_Encoding=encoding)) as caught:
        assert f"packs it as {encoding!r}" in str(caught.value)


@pytest.mark.parametrize(
    ("content", "reason"),
    [(gzip.compress(b"owls", mtime=0)[:-9], "breaks off"), (b"owls", "not packed")],
)
def test_broken_packing_is_refused(content: bytes, reason: str) -> None:
    with refused(first=page(content, Content_Encoding="gzip")) as caught:
        assert reason in str(caught.value)


def test_page_that_breaks_off_is_refused() -> None:
    with refused(first=page(b"<html>", Content_Length="100")) as caught:
        assert "its server breaks off" in str(caught.value)


def drip(before: bytes, drop: bytes) -> Page:
    """What comes byte by byte, for ever, each in good time."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(before)
        for _ in range(1000):
            time.sleep(0.02)
            request.wfile.write(drop)

    return answer


@pytest.mark.parametrize(
    ("before", "drop"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        (b"HTTP/1.1 200 OK\r\nX-Owls: ", b"x"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
    ids="body chunks headers continue".split(),
)
def test_slow_drip_is_refused(before: bytes, drop: bytes) -> None:
    with refused(SMALL, first=drip(before, drop)) as caught:
        assert "no whole answer within 0.5 seconds" in str(caught.value)


def test_redirects_share_one_time() -> None:
    def slow(request: BaseHTTPRequestHandler) -> None:
        time.sleep(0.2)
        redirect("/first")(request)

    with refused(SMALL, first=slow) as caught:
        assert "no whole answer" in str(caught.value)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_server_that_never_answers_is_refused(scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(FetchError, match=r"no whole answer within 0\.5 seconds"):
            fetch(f"{scheme}://127.0.0.1:{port}/", SMALL, here(port))


def test_slow_look_up_is_refused() -> None:
    def look(host: str, port: int) -> list[str]:
        time.sleep(3)
        return ["127.0.0.1"]

    with pytest.raises(FetchError, match=r"no whole answer within 0\.5 seconds"):
        fetch("http://slow.example/", SMALL, Guard(resolve=look))


def test_refused_connection_and_what_is_no_http_are_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(FetchError, match="its server takes no connection; try again, or save it"):
        fetch(f"http://127.0.0.1:{port}/", guard=here(port))
    with refused(first=drip(b"owls\r\n\r\n", b"")) as caught:
        assert "its server breaks off, or speaks no HTTP" in str(caught.value)
    with site({}) as port, pytest.raises(FetchError, match="does not speak TLS"):
        fetch(f"https://127.0.0.1:{port}/", guard=here(port))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for lamp.example and its key, which nobody but this test trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "lamp.example")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("lamp.example")]), False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "lamp.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


def test_tls_checks_the_name_and_not_the_address(certificate: Path) -> None:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate)
    names = []
    server.sni_callback = lambda socket, name, context: names.append(name)
    pages = {"/": page(b"<html>owls"), "/down": redirect("http://lamp.example/")}
    with site(pages, server) as port:
        guard = replace(here(port), resolve=lambda host, port: ["127.0.0.1"])
        trusting = replace(guard, tls=lambda: ssl.create_default_context(cafile=certificate))
        url = f"https://lamp.example:{port}/"
        assert fetch(url, guard=trusting).content == b"<html>owls"
        assert names == ["lamp.example"]
        with pytest.raises(FetchError, match=r"certificate is not valid .*self"):
            fetch(url, guard=guard)
        with pytest.raises(FetchError, match=r"certificate is not valid .*other.example"):
            fetch(f"https://other.example:{port}/", guard=trusting)
        with pytest.raises(FetchError, match="https:// leads to http://"):
            fetch(url + "down", guard=trusting)
