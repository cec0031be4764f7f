import socket

from assistant.llm.probe import is_listening


def test_probe_finds_what_listens_and_sends_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
        assert is_listening(address)
        server.settimeout(2)
        caller, _ = server.accept()
        with caller:
            assert caller.recv(1) == b""
    assert not is_listening(address)
