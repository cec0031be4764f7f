"""Where a server is, and what is said when it cannot be used."""

import datetime
import ipaddress
import json
import socket
import ssl
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest
from chroma import free_port, gate
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import SecretStr
from sites import page, site

from assistant import chroma_server
from assistant.chroma_server import Address, ChromaServer
from assistant.errors import ServerError, SettingsError
from assistant.settings import load_settings

TOKEN = "owl-4711-secret"


@contextmanager
def server(address: str, token: str | None = None) -> Iterator[ChromaServer]:
    with closing(ChromaServer(Address.of(address), SecretStr(token) if token else None)) as server:
        yield server


def complaint(address: str, token: str | None = None) -> str:
    """What is said of a server, which is one line and does not hold the token."""
    with server(address, token) as used, pytest.raises(ServerError) as caught:
        list(used.names())
    said = str(caught.value)
    assert "\n" not in said
    assert TOKEN not in said
    return said


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("http://owl", Address(False, "owl", 8000)),
        ("http://owl:80/", Address(False, "owl", 80)),
        ("https://owl.example/acme/papers", Address(True, "owl.example", 443, "acme", "papers")),
        ("cloud:acme/papers", Address(True, "api.trychroma.com", 443, "acme", "papers")),
        ("http://[::1]:9000", Address(False, "::1", 9000)),
    ],
)
def test_address_is_read(text: str, address: Address) -> None:
    assert Address.of(text) == address


@pytest.mark.parametrize(
    "text",
    ["", "owl:8000", "ftp://owl", "http://", "http://owl:99999", "http://owl/one", "cloud:acme"],
)
def test_address_of_no_form_names_the_forms(text: str) -> None:
    with pytest.raises(SettingsError, match=r"'chroma' is no address.*http://HOST:8000, .*cloud:"):
        Address.of(text)


def test_address_with_a_password_is_refused_and_not_repeated() -> None:
    with pytest.raises(SettingsError, match="DIAMOND_CHROMA_TOKEN") as caught:
        Address.of(f"https://me:{TOKEN}@owl.example")
    assert TOKEN not in str(caught.value)


def test_token_is_never_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIAMOND_CHROMA_TOKEN", TOKEN)
    settings = load_settings()
    assert settings.chroma_token == SecretStr(TOKEN)
    assert TOKEN not in repr(settings) + settings.model_dump_json()
    assert "chroma_token" not in json.loads(settings.model_dump_json())


def test_server_that_is_not_there_is_named_with_the_way_out() -> None:
    address = f"http://127.0.0.1:{free_port()}"
    said = complaint(address)
    assert said.startswith(f"Chroma at {address} cannot be reached (")
    assert "`chroma run`" in said
    assert "DIAMOND_CHROMA" in said


def test_name_that_does_not_resolve_is_named() -> None:
    assert "http://owl.invalid:8000 cannot be reached" in complaint("http://owl.invalid")


def test_server_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chroma_server, "_QUICK", httpx.Timeout(0.5))
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        said = complaint(f"http://127.0.0.1:{silent.getsockname()[1]}")
    assert "does not answer in time" in said


def test_server_that_stops_answering_is_given_up(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Chroma's own client would wait for ever."""
    monkeypatch.setattr(chroma_server, "_QUICK", httpx.Timeout(0.5))
    with closing(socket.create_server(("127.0.0.1", 0))) as silent, server(database) as used:
        used.now()
        api = used.client._server  # type: ignore[attr-defined]
        api._api_url = f"http://127.0.0.1:{silent.getsockname()[1]}/api/v2"
        with pytest.raises(ServerError, match="does not answer in time"):
            used.now()


def test_wrong_token_is_said_without_it(chroma: str) -> None:
    with gate(chroma, TOKEN) as address:
        assert f"Chroma at {address} wants a token: set DIAMOND_CHROMA_TOKEN" in complaint(address)
        assert "does not take the token in DIAMOND_CHROMA_TOKEN" in complaint(address, "wrong")
        with server(address, TOKEN) as used:
            assert used.now() > 0


def test_token_that_is_changed_meanwhile_is_said(chroma: str) -> None:
    with gate(chroma, TOKEN) as address, server(address, TOKEN) as used:
        used.client._server._session.headers["Authorization"] = "old"  # type: ignore[attr-defined]
        with pytest.raises(ServerError, match=rf"Chroma at {address} failed \(no entry\)"):
            used.find("main.current")


def test_token_of_no_token_is_refused_and_not_repeated(chroma: str) -> None:
    with (
        server(chroma, f"{TOKEN}\n") as used,
        pytest.raises(SettingsError, match="characters that no token has") as caught,
    ):
        used.now()
    assert TOKEN not in str(caught.value)


def test_database_that_is_not_there_is_named(chroma: str) -> None:
    said = complaint(f"{chroma}/default_tenant/nowhere")
    assert f"{chroma} has no database 'nowhere' of tenant 'default_tenant'" in said


@pytest.mark.parametrize(
    "pages",
    [
        {},
        {"/api/v2/auth/identity": page(b"hello")},
        {"/api/v2/auth/identity": page(b"{}"), "/api/v2/version": page(b'"0.6.3"')},
    ],
)
def test_what_is_no_chroma_of_this_version_is_said(pages: dict) -> None:  # type: ignore[type-arg]
    every = {path: page(status=404) for path in ("/api/v2/auth/identity", "/api/v2/version")}
    with site(every | pages) as port:
        said = complaint(f"http://127.0.0.1:{port}")
    assert f"what answers at http://127.0.0.1:{port} is not the Chroma that this program" in said
    assert ("0.6.3" in said) == ("/api/v2/version" in pages)


def test_server_in_trouble_is_said() -> None:
    with site({"/api/v2/auth/identity": page(b"no room", status=503)}) as port:
        assert "failed (no room)" in complaint(f"http://127.0.0.1:{port}")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for this machine and its key, which nobody trusts unless told to."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "owl")])
    now, day = datetime.datetime.now(datetime.UTC), datetime.timedelta(days=1)
    here = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - day)
        .not_valid_after(now + day)
        .add_extension(x509.SubjectAlternativeName([here]), False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "owl.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


def test_tls_wants_a_trusted_certificate(
    chroma: str, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with gate(chroma, TOKEN, context) as address:
        said = complaint(address, TOKEN)
        assert f"the certificate of Chroma at {address} is not trusted" in said
        assert "SSL_CERT_FILE" in said
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        with server(address, TOKEN) as used:
            assert used.now() > 0


def test_create_gives_a_name_once(database: str) -> None:
    with server(database) as used:
        assert used.create("owl", {"a": 1}) is not None
        assert used.create("owl") is None
        used.remove("owl")
        used.remove("owl")
        assert used.find("owl") is None


def test_names_come_page_by_page(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chroma_server, "_PAGE", 2)
    wanted = {f"owl{n}" for n in range(5)}
    with server(database) as used:
        for name in wanted:
            used.create(name)
        assert set(used.names()) == wanted
