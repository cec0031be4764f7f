"""What pages of other sites get from a real server: nothing."""

from pathlib import Path

import httpx
import pytest
from served import Serve

from assistant.serving.users import Users

PATHS = ["/", "/health", "/config", "/openapi.json", "/gradio_api/info"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "["])
def test_server_without_sign_in_answers_to_no_other_name(host: str, path: str, at: str) -> None:
    refused = httpx.get(at + path, headers={"Host": host})
    assert refused.status_code == 421
    assert "it answers to" in refused.json()["error"]


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1:8000", "[::1]:7860"])
def test_server_without_sign_in_answers_to_the_names_of_this_machine(host: str, at: str) -> None:
    assert httpx.get(at + "/health", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("path", ["/api/ask", "/mcp", "/gradio_api/queue/join"])
@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://[", "http://127.0.0.1"])
def test_page_of_another_origin_may_send_nothing(origin: str, path: str, at: str) -> None:
    refused = httpx.post(at + path, json={"question": "Who?"}, headers={"Origin": origin})
    assert refused.status_code == 403
    assert "access-control-allow-origin" not in refused.headers


def test_own_page_may_send(at: str) -> None:
    sent = httpx.post(at + "/api/ask", json={"question": "Who?"}, headers={"Origin": at})
    assert sent.status_code == 200


def test_page_behind_a_proxy_may_send(serve: Serve, tmp_path: Path) -> None:
    users = Users(tmp_path / "users")
    users.add("anna", "correct horse")
    with serve(users=users.path) as address:
        for names in ({"Host": "chat.example"}, {"X-Forwarded-Host": "chat.example"}):
            sent = httpx.post(
                address + "/api/ask",
                json={"question": "Who?"},
                headers={"Origin": "https://chat.example", **names},
                auth=("anna", "correct horse"),
            )
            assert sent.status_code == 200
