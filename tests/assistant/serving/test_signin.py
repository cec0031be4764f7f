"""Sign-in on a real server, one path after the other."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from served import Serve

from assistant.serving.users import Users

TRIES = 3
ANNA = ("anna", "correct horse")
QUESTION = {"question": "How much did Velmora's bridge of glass cost?"}
CALL = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
MCP = {"Accept": "application/json, text/event-stream"}

# Every part of the server: the page, Gradio's own paths, ours.
PATHS: list[tuple[str, str, dict[str, Any]]] = [
    ("GET", "/", {}),
    ("HEAD", "/", {}),
    ("GET", "/config", {}),
    ("GET", "/gradio_api/info", {}),
    ("GET", "/gradio_api/app_id", {}),
    ("GET", "/gradio_api/mcp/schema", {}),
    ("GET", "/gradio_api/startup-events", {}),
    ("GET", "/gradio_api/heartbeat/abc", {}),
    ("GET", "/gradio_api/queue/data?session_hash=abc", {}),
    ("GET", "/gradio_api/file=/etc/hostname", {}),
    ("POST", "/gradio_api/queue/join", {"json": {"data": [], "fn_index": 0}}),
    ("POST", "/gradio_api/upload", {"files": {"files": b"text"}}),
    ("GET", "/theme.css", {}),
    ("GET", "/openapi.json", {}),
    ("POST", "/api/ask", {"json": QUESTION}),
    ("GET", "/api/anything", {}),
    ("POST", "/mcp", {"json": CALL, "headers": MCP}),
    ("GET", "/mcp", {}),
    ("GET", "/mcp/", {}),
    ("GET", "/logout", {}),
    ("GET", "/health/", {}),
    ("GET", "//health", {}),
    ("GET", "/login/", {}),
    ("GET", "/nowhere", {}),
]


@pytest.fixture
def visitor(locked: str) -> Iterator[httpx.Client]:
    """Somebody who has not signed in."""
    with httpx.Client(base_url=locked) as client:
        yield client


@pytest.fixture
def guarded(
    serve: Serve,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[tuple[httpx.Client, Users]]:
    """A server of the test's own, which takes three tries to sign in, and its users."""
    monkeypatch.setattr("assistant.serving.signin.TRIES", TRIES)
    users = Users(tmp_path / "users")
    users.add(*ANNA)
    with (
        serve(users=users.path) as address,
        httpx.Client(base_url=address) as client,
    ):
        yield client, users


def sign_in(client: httpx.Client, name: str, password: str, **more: str) -> httpx.Response:
    """Send the form of the page to sign in on."""
    return client.post("/login", data={"name": name, "password": password, **more})


@pytest.mark.parametrize(("method", "path", "more"), PATHS)
def test_nothing_but_health_answers_without_sign_in(
    method: str, path: str, more: dict[str, Any], visitor: httpx.Client
) -> None:
    refused = visitor.request(method, path, **more)
    assert refused.status_code == 401
    if method != "HEAD":
        assert refused.json() == {
            "error": "Sign in first: at /login, or with a name and a password by HTTP Basic."
        }


@pytest.mark.parametrize(("method", "path", "more"), PATHS)
def test_a_cookie_that_was_made_up_opens_nothing(
    method: str, path: str, more: dict[str, Any], visitor: httpx.Client
) -> None:
    visitor.cookies.set("diamond_session", "anna")
    assert visitor.request(method, path, **more).status_code == 401


def test_health_needs_no_sign_in(visitor: httpx.Client) -> None:
    assert visitor.get("/health").json()["status"] == "ready"


@pytest.mark.parametrize("way", ["cookie", "basic"])
@pytest.mark.parametrize(
    ("method", "path", "more"),
    [
        ("GET", "/", {}),
        ("GET", "/config", {}),
        ("GET", "/gradio_api/info", {}),
        ("POST", "/api/ask", {"json": QUESTION}),
        ("POST", "/mcp", {"json": CALL, "headers": MCP}),
        ("GET", "/openapi.json", {}),
    ],
)
def test_everything_answers_after_sign_in(
    way: str, method: str, path: str, more: dict[str, Any], visitor: httpx.Client
) -> None:
    if way == "cookie":
        assert sign_in(visitor, *ANNA).status_code == 303
        assert visitor.request(method, path, **more).status_code == 200
    else:
        assert visitor.request(method, path, auth=ANNA, **more).status_code == 200


def test_page_learns_who_the_user_is(visitor: httpx.Client) -> None:
    assert visitor.get("/config", auth=ANNA).json()["username"] == "anna"


def test_person_is_sent_to_the_page_to_sign_in_and_back(visitor: httpx.Client) -> None:
    sent = visitor.get("/?talk=a%26b", headers={"Accept": "text/html,*/*"})
    assert sent.status_code == 303
    page = visitor.get(sent.headers["location"])
    assert "Content-Security-Policy" in page.headers
    target = re.search(r'name="next" value="([^"]*)"', page.text)
    assert target is not None
    assert target[1] == "/?talk=a%26b"
    back = sign_in(visitor, *ANNA, next=target[1])
    assert (back.status_code, back.headers["location"]) == (303, "/?talk=a%26b")


@pytest.mark.parametrize(
    "target",
    ["https://evil.example/", "//evil.example", "///evil.example", "/\\evil.example", "evil", ""],
)
def test_sign_in_leads_to_no_other_site(target: str, visitor: httpx.Client) -> None:
    assert sign_in(visitor, *ANNA, next=target).headers["location"] == "/"


def test_cookie_is_out_of_reach_of_scripts_and_other_sites(visitor: httpx.Client) -> None:
    cookie = sign_in(visitor, *ANNA).headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Secure" not in cookie


def test_cookie_stays_on_https_where_a_proxy_speaks_it(visitor: httpx.Client) -> None:
    entered = visitor.post(
        "/login",
        data=dict(zip(("name", "password"), ANNA, strict=True)),
        headers={"X-Forwarded-Proto": "https"},
    )
    assert "Secure" in entered.headers["set-cookie"]


def test_unknown_name_and_wrong_password_look_the_same(visitor: httpx.Client) -> None:
    wrong, unknown = sign_in(visitor, "anna", "wrong"), sign_in(visitor, "berta", "wrong")
    assert wrong.status_code == unknown.status_code == 401
    assert "The name or the password is wrong." in wrong.text
    assert wrong.text.replace("anna", "") == unknown.text.replace("berta", "")
    assert "set-cookie" not in wrong.headers
    assert "set-cookie" not in unknown.headers
    basic = [visitor.get("/api/x", auth=(name, "wrong")) for name in ("anna", "berta")]
    assert [refused.status_code for refused in basic] == [401, 401]
    assert basic[0].json() == basic[1].json()
    sign_in(visitor, *ANNA)  # ends the count of tries


def test_page_shows_a_name_as_text(visitor: httpx.Client) -> None:
    refused = sign_in(visitor, '"><script>alert(1)</script>', "wrong", next='/"><img>')
    assert "<script>" not in refused.text
    assert "<img>" not in refused.text


@pytest.mark.parametrize(
    "header", ["Basic", "Basic !", "Basic /w==", "Bearer abc", "Basic YW5uYQ=="]
)
def test_header_that_is_no_name_and_password_is_refused(header: str, visitor: httpx.Client) -> None:
    assert visitor.get("/api/x", headers={"Authorization": header}).status_code == 401
    sign_in(visitor, *ANNA)  # ends the count of tries


def test_only_programs_are_asked_for_basic(visitor: httpx.Client) -> None:
    def challenge(path: str) -> str:
        return str(visitor.get(path).headers["www-authenticate"])

    assert challenge("/api/ask").startswith('Basic realm="')
    assert challenge("/mcp").startswith('Basic realm="')
    # or a browser would open its own dialog over the page
    assert not challenge("/gradio_api/queue/data").startswith("Basic")


def test_form_that_is_too_large_is_refused(visitor: httpx.Client) -> None:
    assert sign_in(visitor, "anna", "a" * 20_000).status_code == 413


def test_sign_out_ends_the_session(visitor: httpx.Client) -> None:
    sign_in(visitor, *ANNA)
    kept = visitor.cookies["diamond_session"]
    assert visitor.post("/logout").headers["location"] == "/login"
    visitor.cookies.set("diamond_session", kept)
    assert visitor.get("/config").status_code == 401


def test_user_who_is_removed_is_out_at_once(guarded: tuple[httpx.Client, Users]) -> None:
    client, users = guarded
    users.add("berta", "battery staple")
    sign_in(client, "berta", "battery staple")
    assert client.get("/config").json()["username"] == "berta"
    users.remove("berta")
    assert client.get("/config").status_code == 401


def test_password_that_is_changed_counts_at_once(guarded: tuple[httpx.Client, Users]) -> None:
    client, users = guarded
    assert client.get("/config", auth=ANNA).status_code == 200
    users.add("anna", "another horse")
    assert client.get("/config", auth=ANNA).status_code == 401
    assert client.get("/config", auth=("anna", "another horse")).status_code == 200


def test_file_of_users_that_breaks_lets_nobody_in(guarded: tuple[httpx.Client, Users]) -> None:
    client, users = guarded
    sign_in(client, *ANNA)
    users.path.write_text("broken")
    refused = client.get("/config")
    assert refused.status_code == 500
    assert "line 1: expected" in refused.json()["error"]
    assert client.get("/health").status_code == 200


def test_too_many_tries_are_refused_though_the_password_is_right(
    guarded: tuple[httpx.Client, Users],
) -> None:
    client, _ = guarded
    for _ in range(TRIES):
        assert sign_in(client, "anna", "wrong").status_code == 401
    refused = sign_in(client, *ANNA)
    assert refused.status_code == 429
    assert "Too many tries" in refused.text
    assert int(refused.headers["retry-after"]) > 0
    program = client.get("/api/x", auth=ANNA)
    assert program.status_code == 429
    assert program.json()["error"].startswith("Too many tries to sign in.")
    # from another address, the name still has no tries left
    elsewhere = client.get("/api/x", auth=ANNA, headers={"X-Forwarded-For": "192.0.2.7"})
    assert elsewhere.status_code == 429


def test_right_password_ends_the_count_of_tries(guarded: tuple[httpx.Client, Users]) -> None:
    client, _ = guarded
    for _ in range(2):
        for _ in range(TRIES - 1):
            sign_in(client, "anna", "wrong")
        assert sign_in(client, *ANNA).status_code == 303


def test_program_is_checked_once_and_then_known(guarded: tuple[httpx.Client, Users]) -> None:
    client, _ = guarded

    def seconds(requests: int) -> float:
        start = time.monotonic()
        for _ in range(requests):
            assert client.get("/openapi.json", auth=ANNA).status_code == 200
        return time.monotonic() - start

    assert client.get("/health").status_code == 200
    assert seconds(1) * 10 > seconds(20)  # hashing a password takes long on purpose
