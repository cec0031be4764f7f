import socket
from pathlib import Path

import pytest

from assistant.errors import SettingsError
from assistant.serving.address import is_loopback, listen, url_of
from assistant.serving.users import Users
from assistant.settings import Settings


def changed(settings: Settings, **values: object) -> Settings:
    return settings.model_copy(update={"port": 0, **values})


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.0.0.5"])
def test_listen_on_this_machine_needs_no_sign_in(host: str, settings: Settings) -> None:
    with listen(changed(settings, host=host)) as listening:
        assert listening.getsockname()[1] > 0


@pytest.mark.parametrize("host", ["0.0.0.0", "", "::", "192.0.2.1", "chat.example"])
def test_listen_to_others_without_sign_in_is_refused(host: str, settings: Settings) -> None:
    with pytest.raises(SettingsError) as caught:
        listen(changed(settings, host=host))
    assert "diamond-assistant user add NAME --users FILE" in str(caught.value)
    assert "--allow-anonymous" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_listen_to_others_with_sign_in(settings: Settings, tmp_path: Path) -> None:
    Users(tmp_path / "users").add("anna", "correct horse")
    with listen(changed(settings, host="0.0.0.0", users=tmp_path / "users")) as listening:
        assert listening.getsockname()[0] == "0.0.0.0"


def test_listen_where_nobody_can_sign_in(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="there is no file of users"):
        listen(changed(settings, users=tmp_path / "users"))


def test_listen_to_others_when_told_to(settings: Settings) -> None:
    with listen(changed(settings, host="0.0.0.0", allow_anonymous=True)) as listening:
        assert listening.getsockname()[0] == "0.0.0.0"


def test_listen_on_a_port_that_is_taken(settings: Settings) -> None:
    with listen(changed(settings)) as listening:
        port = listening.getsockname()[1]
        with pytest.raises(SettingsError, match=f"port {port} on 127.0.0.1 .* another with --port"):
            listen(changed(settings, port=port))


def test_listen_on_an_address_of_another_machine(settings: Settings) -> None:
    with pytest.raises(SettingsError, match="cannot be used"):
        listen(changed(settings, host="192.0.2.1", allow_anonymous=True))


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("::1", True), ("127.1.2.3", True), ("localhost.example", False), ("::ffff:1.2.3.4", False)],
)
def test_loopback_addresses(host: str, loopback: bool) -> None:
    assert is_loopback(host) == loopback


def test_address_as_a_browser_takes_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        assert url_of(listening, "localhost") == f"http://localhost:{port}/"
        assert url_of(listening, "::1") == f"http://[::1]:{port}/"
