"""A Chroma server: where it is, how it is asked, and what its errors mean.

`chroma run`, a distributed Chroma and Chroma Cloud speak the same client. What
goes wrong on the way becomes a ServerError of one line: the address, the
reason, the way out.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any
from urllib.parse import quote, urlsplit

import chromadb
import chromadb.config
import chromadb.errors
import httpx
from pydantic import SecretStr

from assistant.errors import GenerationGone, ServerError, SettingsError

_CLOUD = "api.trychroma.com"
_FORMS = "http://HOST:8000, https://HOST, https://HOST/TENANT/DATABASE or cloud:TENANT/DATABASE"
_PORTS = {"http": 8000, "https": 443}
# In seconds. A reader would rather hear that nothing comes than wait; a builder's
# batch is written into a graph before its answer comes.
_QUICK = httpx.Timeout(10, connect=5)
_PATIENT = httpx.Timeout(600, connect=10)
_PAGE = 100
# What the server says of a name that is taken, and of a collection between being and not.
_TAKEN, _HALF_THERE = "already exists", "Missing metadata segment"
_PATIENCE, _PAUSE = 40, 0.05  # how often one between is looked for again, and after how long
_BATCH = 1000  # rows in one call: some megabytes


@dataclass(frozen=True)
class Address:
    """Where a server is, and which of its databases is meant.

    >>> Address.of("https://vectors.example.org/acme/papers")
    Address(tls=True, host='vectors.example.org', port=443, tenant='acme', database='papers')
    >>> print(Address.of("cloud:acme/papers"))
    https://api.trychroma.com:443/acme/papers
    """

    tls: bool
    host: str
    port: int
    tenant: str = chromadb.config.DEFAULT_TENANT
    database: str = chromadb.config.DEFAULT_DATABASE

    @classmethod
    def of(cls, text: str) -> Address:
        """Read the setting `chroma`.

        Raises:
            SettingsError: it is none of the forms; it is not repeated, because
                it may hold a password.
        """
        if text.startswith("cloud:"):
            text = f"https://{_CLOUD}/{text.removeprefix('cloud:')}"
        try:
            parts = urlsplit(text)
            port = parts.port or _PORTS[parts.scheme]
        except (KeyError, ValueError) as error:
            raise SettingsError(f"setting 'chroma' is no address of a server: {_FORMS}") from error
        if "@" in parts.netloc:
            raise SettingsError(
                "setting 'chroma' has a name or password in it: put the token into "
                "DIAMOND_CHROMA_TOKEN"
            )
        names = [name for name in parts.path.split("/") if name]
        whole = parts.hostname == _CLOUD
        if not parts.hostname or parts.query or len(names) not in ([2] if whole else [0, 2]):
            raise SettingsError(f"setting 'chroma' is no address of a server: {_FORMS}")
        return cls(parts.scheme == "https", parts.hostname, port, *names)

    def __str__(self) -> str:
        named = (self.tenant, self.database)
        default = named == (chromadb.config.DEFAULT_TENANT, chromadb.config.DEFAULT_DATABASE)
        return self.url + ("" if default else "/" + "/".join(named))

    @property
    def url(self) -> str:
        """The server alone."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http{'s' if self.tls else ''}://{host}:{self.port}"


class ChromaServer:
    """One database of a server, which is asked when it is first needed. Safe for many threads."""

    def __init__(self, address: Address, token: SecretStr | None = None) -> None:
        self.address = address
        self._token = token
        self._clients: dict[str, chromadb.api.ClientAPI] = {}
        self._connecting = threading.Lock()  # Chroma's client cannot be made twice at once

    @property
    def client(self) -> chromadb.api.ClientAPI:
        """For readers: it gives up after some seconds.

        Raises:
            ServerError: see `plainly`.
        """
        return self._connected("readers", _QUICK)

    @property
    def patient(self) -> chromadb.api.ClientAPI:
        """The same for builders, whose calls may take minutes."""
        return self._connected("builders", _PATIENT)

    @cached_property
    def batch(self) -> int:
        """How many rows the server takes, and gives, in one call."""
        with self.plainly():
            most = self.client.get_max_batch_size()
        return min(most, _BATCH) if most > 0 else _BATCH

    def close(self) -> None:
        """Let go of the connections; the next call makes new ones."""
        with self._connecting:
            for client in self._clients.values():
                client._server._session.close()  # type: ignore[attr-defined]  # theirs leaves it
                client.close()  # type: ignore[attr-defined]
            self._clients.clear()

    def now(self) -> int:
        """The server's time in seconds, which is the same for all who ask it."""
        with self.plainly():
            return self.client.heartbeat() // 1_000_000_000

    def names(self) -> Iterator[str]:
        """The names of all collections."""
        with self.plainly():
            start = 0
            while page := self.client.list_collections(limit=_PAGE, offset=start):
                yield from (collection.name for collection in page)
                start += len(page)

    def find(self, name: str) -> chromadb.Collection | None:
        """The collection of this name, if there is one.

        One that is just being made or deleted is waited for.
        """
        with self.plainly():
            for last in (False,) * _PATIENCE + (True,):
                try:
                    return self.client.get_collection(name, embedding_function=None)
                except chromadb.errors.NotFoundError:
                    return None
                except chromadb.errors.ChromaError as error:
                    if last or _HALF_THERE not in str(error):
                        raise
                    time.sleep(_PAUSE)
        return None

    def create(
        self,
        name: str,
        metadata: Mapping[str, Any] | None = None,
        hnsw: Mapping[str, Any] | None = None,
    ) -> chromadb.Collection | None:
        """A new collection, or None where there is one: of many who try, one succeeds."""
        settings: Any = {"hnsw": dict(hnsw)} if hnsw else None
        with self.plainly():
            try:
                return self.patient.create_collection(
                    name,
                    metadata=dict(metadata) if metadata else None,
                    configuration=settings,
                    embedding_function=None,
                )
            except chromadb.errors.ChromaError as error:
                if _TAKEN not in str(error) and self.find(name) is None:
                    raise
                return None

    def remove(self, name: str) -> None:
        """Delete a collection, if it is there."""
        with self.plainly(), contextlib.suppress(chromadb.errors.NotFoundError):
            self.patient.delete_collection(name)

    @contextlib.contextmanager
    def plainly(self) -> Iterator[None]:
        """What the client raises, as errors that say what to do.

        Raises:
            GenerationGone: the collection is not there any more.
            ServerError: no server, not this token, no trusted certificate, another
                version, no answer in time, or a server that is in trouble itself.
        """
        try:
            yield
        except chromadb.errors.NotFoundError as error:
            raise self._gone(error) from error
        except (chromadb.errors.AuthorizationError, chromadb.errors.ChromaAuthError) as error:
            raise self._refused() from error
        except (httpx.HTTPError, chromadb.errors.ChromaError) as error:
            half_there = _HALF_THERE in str(error)
            raise (self._gone(error) if half_there else self._failure(error)) from error
        except Exception as error:
            if type(error) is not Exception:  # the client's own for an answer that is no JSON
                raise
            raise self._failure(error) from error

    def _connected(self, whose: str, timeout: httpx.Timeout) -> chromadb.api.ClientAPI:
        with self._connecting:
            if whose not in self._clients:
                self._clients[whose] = self._connect(timeout)
            return self._clients[whose]

    def _connect(self, timeout: httpx.Timeout) -> chromadb.api.ClientAPI:
        with self.plainly():
            self._greet()
            try:
                client = self._client()
            except ValueError as error:  # what it makes of all that it did not expect
                raise self._failure(error) from error
        # Chroma's client waits for ever and has no setting for it, and leaves a connection open.
        client._server._session.timeout = timeout  # type: ignore[attr-defined]
        client._admin_client._server._session.close()  # type: ignore[attr-defined]
        return client

    def _greet(self) -> None:
        """See that a Chroma of our version lets us in, and has the database.

        Its own client tells these poorly apart.
        """
        address = self.address
        with httpx.Client(base_url=address.url, headers=self._headers(), timeout=_QUICK) as session:
            answer = session.get("/api/v2/auth/identity")
            if answer.status_code in (401, 403):
                raise self._refused()
            version = session.get("/api/v2/version") if answer.is_success else answer
            if version.status_code >= 500:
                raise self._failure(Exception(version.text or version.reason_phrase))
            if not version.is_success or not version.text.strip('"\n ').startswith("1."):
                said = version.text.strip('"\n ')[:40] if version.is_success else "no Chroma 1"
                raise ServerError(
                    f"what answers at {address.url} is not the Chroma that this program speaks "
                    f"({said}; wanted 1.x): start one with `chroma run`, or set DIAMOND_CHROMA to "
                    "one"
                )
            path = f"/api/v2/tenants/{quote(address.tenant)}/databases/{quote(address.database)}"
            if session.get(path).status_code == 404:
                raise ServerError(
                    f"Chroma at {address.url} has no database {address.database!r} of tenant "
                    f"{address.tenant!r}: create it there, or set DIAMOND_CHROMA to one that it has"
                )

    def _client(self) -> chromadb.api.ClientAPI:
        address = self.address
        settings = chromadb.config.Settings(anonymized_telemetry=False)
        return chromadb.HttpClient(
            host=f"[{address.host}]" if ":" in address.host else address.host,
            port=address.port,
            ssl=address.tls,
            headers=self._headers(),
            settings=settings,
            tenant=address.tenant,
            database=address.database,
        )

    def _headers(self) -> dict[str, str]:
        """Chroma Cloud reads one of them, what stands before one's own server mostly the other."""
        if self._token is None:
            return {}
        token = self._token.get_secret_value()
        if not token.isascii() or not token.isprintable():
            raise SettingsError("DIAMOND_CHROMA_TOKEN has characters that no token has")
        return {"Authorization": f"Bearer {token}", "X-Chroma-Token": token}

    def _refused(self) -> ServerError:
        wrong = "does not take the token in" if self._token else "wants a token: set"
        return ServerError(f"Chroma at {self.address} {wrong} DIAMOND_CHROMA_TOKEN")

    def _gone(self, error: Exception) -> GenerationGone:
        return GenerationGone(
            f"Chroma at {self.address} has not what was asked for ({_first_line(error)}): "
            "run `diamond-assistant index build`"
        )

    def _failure(self, error: Exception) -> ServerError:
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            return ServerError(
                f"the certificate of Chroma at {self.address} is not trusted "
                f"({_first_line(error)}): set SSL_CERT_FILE to that of its authority"
            )
        if isinstance(error, httpx.TimeoutException):
            return ServerError(
                f"Chroma at {self.address} does not answer in time: see whether it is overloaded, "
                "or whether the address is right (DIAMOND_CHROMA)"
            )
        if isinstance(error, httpx.TransportError):
            return ServerError(
                f"Chroma at {self.address} cannot be reached ({_first_line(error)}): start it with "
                "`chroma run`, or set DIAMOND_CHROMA to where it is"
            )
        return ServerError(
            f"Chroma at {self.address} failed ({_first_line(error)}): see what it says itself"
        )


@cache
def server_at(address: str, token: SecretStr | None) -> ChromaServer:
    """The server at an address; one connection for all of a process.

    Raises:
        SettingsError: the setting is no address.
    """
    return ChromaServer(Address.of(address), token)


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
