"""Which language model, and how to reach it: settings → a LlamaIndex `LLM`.

    ollama:NAME       a model of the Ollama on this machine, or at DIAMOND_LLM_BASE_URL
    openai:NAME       OpenAI's, or any OpenAI-compatible server at DIAMOND_LLM_BASE_URL
    anthropic:NAME    Anthropic's, by its OpenAI-compatible interface
    replay:FILE       replies that were kept before (see cassettes.py)

A key comes from the environment alone: DIAMOND_LLM_KEY, or, for a vendor's own
server, the name that the vendor gives it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from llama_index.core.llms import LLM
from pydantic import SecretStr

from assistant.errors import ModelUnavailable, SettingsError
from assistant.llm.calls import Limits
from assistant.llm.cassettes import RecordingLLM, ReplayLLM
from assistant.llm.http import Client
from assistant.llm.probe import OLLAMA
from assistant.settings import Settings

KEY = "DIAMOND_LLM_KEY"
VENDORS = {
    "openai": ("https://api.openai.com/v1", "OPENAI_API_KEY"),
    "anthropic": ("https://api.anthropic.com/v1", "ANTHROPIC_API_KEY"),
}
_FORMS = "ollama:NAME, openai:NAME, anthropic:NAME or replay:FILE"
_SPARE = 1.25  # the client's own patience, beside the reader's


def load_llm(settings: Settings, environment: Mapping[str, str] = os.environ) -> LLM:
    """The model of the settings. Nothing is sent before it is asked.

    Raises:
        SettingsError: the setting names no model, or the address cannot be used.
        ModelUnavailable: what it needs is not installed, or the cassette is not there.
    """
    provider, _, name = settings.llm.partition(":")
    if not name:
        raise SettingsError(f"setting 'llm' is {settings.llm!r}: expected {_FORMS}")
    if provider == "replay":
        return ReplayLLM.load(Path(name), settings.llm_window)
    if provider == "ollama":
        llm = _ollama(name, settings)
    elif provider in VENDORS:
        llm = _openai_like(name, settings, *_server_of(provider, settings, environment))
    else:
        raise SettingsError(f"setting 'llm' is {settings.llm!r}: expected {_FORMS}")
    return RecordingLLM.around(llm, settings.llm_record) if settings.llm_record else llm


def limits_of(settings: Settings) -> Limits:
    """How long the settings let us wait."""
    return Limits(
        first=settings.llm_first_seconds,
        between=settings.llm_between_seconds,
        total=settings.llm_total_seconds,
    )


def _server_of(
    provider: str, settings: Settings, environment: Mapping[str, str]
) -> tuple[str, SecretStr | None]:
    """The address, and the key for it: a vendor's own key goes to the vendor alone."""
    address, variable = VENDORS[provider]
    names = [KEY] if settings.llm_base_url else [KEY, variable]
    key = next((environment[name] for name in names if environment.get(name)), None)
    if key is None and not settings.llm_base_url:
        raise ModelUnavailable(f"{settings.llm} needs a key: set {variable} in the environment")
    if key is not None and not (key.isascii() and key.isprintable() and " " not in key):
        raise SettingsError("the key in the environment is no key: it has spaces or line breaks")
    return _address(settings) or address, SecretStr(key) if key else None


def _address(settings: Settings) -> str:
    """The address of the settings, checked.

    Raises:
        SettingsError: it is none, or has what may be a secret in it; it is not repeated.
    """
    address = settings.llm_base_url.rstrip("/")
    try:
        parts = urlsplit(address)
        usable = not address or (parts.scheme in ("http", "https") and bool(parts.hostname))
        bare = not (parts.username or parts.password or parts.query or parts.fragment)
    except ValueError:
        usable = bare = False
    if not usable or not bare:
        raise SettingsError(
            "setting 'llm_base_url' cannot be used: expected an address such as "
            f"http://127.0.0.1:8000/v1, without a user, a password or a query ({KEY} has the key)"
        )
    return address


def _openai_like(name: str, settings: Settings, address: str, key: SecretStr | None) -> LLM:
    try:
        from llama_index.llms.openai_like import OpenAILike
    except ImportError as error:
        raise _not_installed(settings.llm, "openai") from error
    try:
        llm: LLM = OpenAILike(
            model=name,
            api_base=address,
            api_key="none",  # http.Bearer has it
            http_client=Client(key, _timeout(settings)),
            context_window=settings.llm_window,
            max_tokens=settings.llm_answer_tokens,
            temperature=0.0,
            is_chat_model=True,
            max_retries=0,
            additional_kwargs={"stream_options": {"include_usage": True}},
        )
    except ValueError as error:
        reason = f"setting 'llm' is {settings.llm!r}: it is no model for chats"
        raise SettingsError(reason) from error
    return llm


def _ollama(name: str, settings: Settings) -> LLM:
    """Ollama by its own interface: the other one would cut a long prompt without a word."""
    try:
        from llama_index.llms.ollama import Ollama
        from ollama import Client as OllamaClient
    except ImportError as error:
        raise _not_installed(settings.llm, "ollama") from error
    client = OllamaClient(_address(settings) or OLLAMA)
    # Its own line follows redirects, sends a key from the environment to any host, and says what
    # machine this is.
    theirs, client._client = client._client, Client(None, _timeout(settings))
    client._client.base_url = theirs.base_url
    theirs.close()
    ollama: LLM = Ollama(
        model=name,
        client=client,
        context_window=settings.llm_window,
        temperature=0.0,
        additional_kwargs={"num_predict": settings.llm_answer_tokens},
    )
    return ollama


def _timeout(settings: Settings) -> httpx.Timeout:
    """Of a connection and of a silence; `Call` has the limits that a user meets."""
    wait = max(settings.llm_first_seconds, settings.llm_between_seconds) * _SPARE
    return httpx.Timeout(wait, connect=settings.llm_connect_seconds)


def _not_installed(model: str, extra: str) -> ModelUnavailable:
    return ModelUnavailable(f"{model} needs the extra {extra!r}: `pip install '.[{extra}]'`")
