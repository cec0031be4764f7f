from pathlib import Path
from typing import Any

import pytest

from assistant.errors import SettingsError
from assistant.settings import PROJECT, Settings, load_settings, recipe_path


@pytest.fixture
def indexes(tmp_path: Path) -> Path:
    (tmp_path / "main.toml").write_text("top_k = 7\nport = 7001\n")
    (tmp_path / "tides.toml").write_text("top_k = 8\n")
    return tmp_path


def complaint(**options: Any) -> str:
    """What is said about settings that cannot be used, in one line."""
    with pytest.raises(SettingsError) as caught:
        load_settings(**options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_settings_default(indexes: Path) -> None:
    assert load_settings(indexes_dir=indexes).candidates == 100


def test_settings_recipe_before_default(indexes: Path) -> None:
    assert load_settings(indexes_dir=indexes).top_k == 7


def test_settings_environment_before_recipe(indexes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIAMOND_TOP_K", "9")
    settings = load_settings(indexes_dir=indexes)
    assert (settings.top_k, settings.port) == (9, 7001)


def test_settings_option_before_environment(indexes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIAMOND_TOP_K", "9")
    assert load_settings(indexes_dir=indexes, top_k=10).top_k == 10


def test_settings_option_of_none_is_not_given(indexes: Path) -> None:
    assert load_settings(indexes_dir=indexes, top_k=None).top_k == 7


def test_settings_recipe_of_the_index_named_by_an_option(indexes: Path) -> None:
    assert load_settings(indexes_dir=indexes, index="tides").top_k == 8


def test_settings_recipe_of_the_index_named_by_the_environment(
    indexes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIAMOND_INDEXES_DIR", str(indexes))
    monkeypatch.setenv("DIAMOND_INDEX", "tides")
    assert load_settings().top_k == 8


@pytest.mark.parametrize(
    "name", [n for n, field in Settings.model_fields.items() if field.annotation in (int, float)]
)
def test_settings_number_from_the_environment(
    indexes: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(f"DIAMOND_{name.upper()}", "seven")
    message = complaint(indexes_dir=indexes)
    assert message.startswith(f"setting {name!r} (from DIAMOND_{name.upper()}) is 'seven': ")


def test_settings_relative_paths_count_from_the_project(indexes: Path) -> None:
    settings = load_settings(indexes_dir=indexes, corpus_dir="shoebox", data_dir="drawer")
    assert settings.corpus_dir == PROJECT / "shoebox"
    assert settings.conversations == PROJECT / "drawer" / "conversations.db"
    assert recipe_path(Path("shelf"), "tides") == PROJECT / "shelf" / "tides.toml"


def test_settings_file_of_users_counts_from_the_project(indexes: Path) -> None:
    assert load_settings(indexes_dir=indexes).users is None
    settings = load_settings(indexes_dir=indexes, users="guests")
    assert settings.users == PROJECT / "guests"


def test_settings_absolute_paths_stay(indexes: Path, tmp_path: Path) -> None:
    settings = load_settings(indexes_dir=indexes, corpus_dir=tmp_path / "shoebox")
    assert settings.corpus_dir == tmp_path / "shoebox"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("passage_tokens", 63),
        ("keep_generations", 0),
        ("dense_weight", 1.1),
        ("dense_weight", -0.1),
        ("candidates", 0),
        ("top_k", 0),
        ("answer_words", 9),
        ("abstain_below", 2),
        ("threads", 0),
        ("port", 65536),
        ("port", "harbour"),
        ("port", -1),
        ("requests_per_minute", 0),
        ("queue_size", -1),
        ("allow_anonymous", "perhaps"),
    ],
)
def test_settings_value_out_of_range(indexes: Path, name: str, value: object) -> None:
    message = complaint(indexes_dir=indexes, **{name: value})
    assert message.startswith(f"setting {name!r} is {value!r}: input should be ")


def test_settings_bad_option_does_not_name_the_variable_it_overrides(
    indexes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIAMOND_TOP_K", "9")
    assert complaint(indexes_dir=indexes, top_k=0).startswith("setting 'top_k' is 0: ")


def test_settings_unknown_option(indexes: Path) -> None:
    assert "'tpo_k'" in complaint(indexes_dir=indexes, tpo_k=3)


def test_settings_unknown_name_in_the_recipe(indexes: Path) -> None:
    (indexes / "main.toml").write_text("tpo_k = 3\n")
    assert "'tpo_k'" in complaint(indexes_dir=indexes)


def test_settings_recipe_that_is_not_toml(indexes: Path) -> None:
    (indexes / "main.toml").write_text("top_k is seven\n")
    message = complaint(indexes_dir=indexes)
    assert message.startswith("the recipe of the index cannot be read: ")
    assert "line 1" in message


def test_settings_index_without_a_recipe(indexes: Path) -> None:
    message = complaint(indexes_dir=indexes, index="gulls")
    assert message.startswith(f"no recipe {indexes / 'gulls.toml'}: ")
    assert message.endswith("the indexes known here are main, tides")


def test_settings_folder_without_recipes(tmp_path: Path) -> None:
    assert complaint(indexes_dir=tmp_path).endswith("the indexes known here are none")
