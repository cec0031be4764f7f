from pathlib import Path

import pytest

from assistant.serving.sessions import LIFETIME, Sessions
from assistant.serving.users import Users


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def users(tmp_path: Path) -> Users:
    users = Users(tmp_path / "users")
    users.add("anna", "correct horse")
    users.add("berta", "battery staple")
    return users


@pytest.fixture
def sessions(users: Users, clock: Clock) -> Sessions:
    return Sessions(users, clock)


def test_session_has_a_name_and_a_token_of_its_own(sessions: Sessions) -> None:
    anna, berta = sessions.open("anna"), sessions.open("berta")
    assert (sessions.name(anna), sessions.name(berta)) == ("anna", "berta")
    assert anna != sessions.open("anna")
    assert len(anna) >= 40


def test_session_that_was_never_opened_is_nobodys(sessions: Sessions) -> None:
    assert sessions.name("") is None
    assert sessions.name("guess") is None


def test_session_ends_when_it_is_closed(sessions: Sessions) -> None:
    token = sessions.open("anna")
    sessions.close(token)
    assert sessions.name(token) is None


def test_session_ends_after_long_without_a_request(sessions: Sessions, clock: Clock) -> None:
    token = sessions.open("anna")
    for _ in range(3):
        clock.now += LIFETIME * 0.9
        assert sessions.name(token) == "anna"
    clock.now += LIFETIME * 1.1
    assert sessions.name(token) is None


def test_session_ends_with_its_password(sessions: Sessions, users: Users) -> None:
    anna, berta = sessions.open("anna"), sessions.open("berta")
    users.add("anna", "another horse")
    assert sessions.name(anna) is None
    assert sessions.name(berta) == "berta"


def test_session_ends_with_its_user(sessions: Sessions, users: Users) -> None:
    token = sessions.open("anna")
    users.remove("anna")
    assert sessions.name(token) is None


def test_sessions_that_are_over_are_forgotten(sessions: Sessions, clock: Clock) -> None:
    sessions.open("anna")
    clock.now += LIFETIME * 1.1
    sessions.open("berta")
    assert len(sessions._sessions) == 1
