import stat
import time
from pathlib import Path

import pytest

from assistant.errors import SettingsError
from assistant.serving.users import Users

PASSWORD = "correct horse"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "users"


@pytest.fixture
def users(path: Path) -> Users:
    Users(path).add("anna", PASSWORD)
    return Users.load(path)


def complaint(caught: pytest.ExceptionInfo[SettingsError]) -> str:
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_users_file_is_for_its_owner_and_holds_no_password(users: Users, path: Path) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text().startswith("anna:$argon2id$")
    assert PASSWORD not in path.read_text()
    assert [found.name for found in path.parent.iterdir()] == ["users"]


def test_users_written_again_are_for_their_owner_too(users: Users, path: Path) -> None:
    path.chmod(0o644)
    users.add("berta", PASSWORD)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_check_knows_the_password(users: Users) -> None:
    assert users.check("anna", PASSWORD)


@pytest.mark.parametrize(
    ("name", "password"),
    [("anna", "wrong horse"), ("anna", ""), ("berta", PASSWORD), ("", ""), ("anna", "\ud800")],
)
def test_check_knows_nobody_else(name: str, password: str, users: Users) -> None:
    assert not users.check(name, password)


def test_check_takes_as_long_for_a_name_that_nobody_has(users: Users) -> None:
    def seconds(name: str) -> float:
        taken = []
        for _ in range(3):
            start = time.process_time()
            assert not users.check(name, "wrong horse")
            taken.append(time.process_time() - start)
        return min(taken)

    assert seconds("berta") > seconds("anna") / 3


def test_add_again_gives_another_password(users: Users) -> None:
    users.add("anna", "battery staple")
    assert list(users.hashes()) == ["anna"]
    assert users.check("anna", "battery staple")
    assert not users.check("anna", PASSWORD)


def test_file_is_read_again_when_it_changes(users: Users, path: Path) -> None:
    Users(path).add("berta", PASSWORD)
    assert users.check("berta", PASSWORD)
    Users(path).remove("berta")
    assert not users.check("berta", PASSWORD)


@pytest.mark.parametrize("name", ["", "an na", "an:na", "an\nna", "a" * 65])
def test_add_refuses_a_name_that_the_file_cannot_hold(name: str, path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        Users(path).add(name, PASSWORD)
    assert "cannot be called" in complaint(caught)


@pytest.mark.parametrize("password", ["", "horse", "h" * 1001])
def test_add_refuses_a_password_too_short_or_too_long(password: str, path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        Users(path).add("anna", password)
    assert "8 to 1,000 characters" in complaint(caught)
    assert password not in complaint(caught) or not password


def test_remove_names_the_users_there_are(users: Users) -> None:
    with pytest.raises(SettingsError) as caught:
        users.remove("berta")
    assert "no user 'berta': anna" in complaint(caught)


def test_load_without_a_file_says_how_to_make_one(path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        Users.load(path)
    assert f"run `diamond-assistant user add NAME --users {path}`" in complaint(caught)


def test_load_of_an_empty_file_says_how_to_add_one(path: Path) -> None:
    path.write_text("\n")
    with pytest.raises(SettingsError) as caught:
        Users.load(path)
    assert "names no user yet" in complaint(caught)


@pytest.mark.parametrize("line", ["anna", "anna:", "anna:plain text", "anna:$argon2id$broken"])
def test_load_names_the_line_that_is_no_user(line: str, users: Users, path: Path) -> None:
    path.write_text(path.read_text() + line + "\n")
    with pytest.raises(SettingsError) as caught:
        Users.load(path)
    assert f"{path}, line 2: expected" in complaint(caught)


def test_load_of_a_folder_says_that_it_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        Users.load(tmp_path)
    assert "cannot be read" in complaint(caught)
