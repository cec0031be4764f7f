"""Builders that are killed and readers that never rest, for test_faults.py.

    python -m unrest builds INDEXES KILLS SEED     change the corpus, build, be killed, repeat
    python -m unrest reads INDEXES SEED            four threads ask until stdin ends

Each prints one JSON object. A builder is forked from a process that has
everything imported, so that a kill finds it at work and not at its imports.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import statistics
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import tqdm.auto  # type: ignore[import-untyped]
from fakes import FakeReranker, HashEmbedder

from assistant.chunking import embedding_text
from assistant.citations import resolves
from assistant.conversation import Conversation
from assistant.index import PassageIndex
from assistant.ingestion import ingest, open_index
from assistant.settings import Settings, load_settings

SEAL = "zz-seal"
_NAMES = [a + b for a in "al bor cel dun el fen".split() for b in ("der", "mar", "wik")]
_FINISHING = 0.2  # of the builds are let finish, so that there is something new to read


def write_edition(corpus: Path, edition: int, chance: random.Random) -> None:
    """Change some documents; the last one is a seal over all the others.

    A reader that sees parts of two editions sees a seal that does not fit.
    """
    corpus.mkdir(exist_ok=True)
    towers = {name: corpus / f"tower-{name}.txt" for name in _NAMES}
    for name in _NAMES if edition == 0 else chance.sample(_NAMES, 4):
        if edition and chance.random() < 0.25:
            towers[name].unlink(missing_ok=True)
            continue
        owls = chance.randrange(100, 1000)
        lines = [f"The tower {name} holds {owls} owls in edition {edition}."]
        lines += [f"Room {room} of {name} has {room * owls} lamps." for room in range(30)]
        towers[name].write_text("\n\n".join(lines))
    texts = {path.stem: path.read_text() for path in sorted(corpus.glob("tower-*.txt"))}
    (corpus / f"{SEAL}.txt").write_text(f"Edition {edition} has the seal {seal(texts)}.")


def seal(texts: dict[str, str]) -> str:
    return hashlib.sha256(json.dumps(sorted(texts.items())).encode()).hexdigest()


@dataclass
class Builds:
    """What became of the builds; `killed` counts by the stage that a kill found them in."""

    killed: dict[str, int] = field(default_factory=dict)
    finished: int = 0
    failed: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)


def build_and_be_killed(settings: Settings, kills: int, seed: int) -> Builds:
    chance, builds, edition = random.Random(seed), Builds(), 1
    while sum(builds.killed.values()) < kills:
        write_edition(settings.corpus_dir, edition, chance)
        edition += 1
        typical = statistics.median(builds.seconds[-9:]) if builds.seconds else None
        after = None
        if typical is not None and chance.random() > _FINISHING:
            after = chance.uniform(0, typical)
        _one_build(settings, after, builds)
    return builds


def _one_build(settings: Settings, after: float | None, builds: Builds) -> None:
    heard, said = os.pipe()
    start = time.monotonic()
    child = os.fork()
    if child == 0:
        tqdm.auto.tqdm.set_lock(
            threading.RLock()
        )  # its own is shared, and dies locked with a sibling
        os.close(heard)
        os._exit(_child(settings, said))
    os.close(said)
    if after is not None:
        time.sleep(after)
        os.kill(child, signal.SIGKILL)
    with os.fdopen(heard) as told:
        stages = told.read().splitlines()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        stage = stages[-1] if stages else "start"
        builds.killed[stage] = builds.killed.get(stage, 0) + 1
    elif status:
        builds.failed.append("\n".join(stages))
    else:
        builds.finished += 1
        if after is None:
            builds.seconds.append(time.monotonic() - start)


def _child(settings: Settings, said: int) -> int:
    def tell(stage: str, done: int, total: int) -> None:
        os.write(said, f"{stage}{' done' if done == total else ''}\n".encode())

    try:
        ingest(settings, tell, lambda name, threads: HashEmbedder())
    except BaseException:  # whatever it is, the parent reports it
        os.write(said, traceback.format_exc().encode())
        return 1
    return 0


@dataclass
class Reads:
    """What the readers of one process saw."""

    asked: int = 0
    answered: int = 0
    opened: int = 0
    gone: int = 0  # generations that were no longer kept when they were looked up
    slowest: float = 0.0
    generations: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)


class Reader:
    """Four threads over one conversation, one of which opens the index anew each time."""

    def __init__(self, settings: Settings, seed: int) -> None:
        self.reads = Reads()
        self._settings = settings
        self._seed = seed
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._conversation = Conversation.open(
            settings, lambda name, threads: HashEmbedder(), lambda name, threads: FakeReranker()
        )

    def __enter__(self) -> Reader:
        jobs = [self._ask, self._ask, self._ask, self._open]
        self._threads = [
            threading.Thread(target=self._again, args=(job, random.Random(self._seed + number)))
            for number, job in enumerate(jobs)
        ]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *ended: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self._conversation.library.close()

    def _again(self, job: Callable[[random.Random], None], chance: random.Random) -> None:
        while not self._stop.is_set():
            try:
                job(chance)
            except BaseException:  # nothing may happen to a reader
                self._fault(traceback.format_exc())

    def _fault(self, text: str) -> None:
        with self._lock:
            self.reads.faults.append(text)

    def _ask(self, chance: random.Random) -> None:
        name = chance.choice(_NAMES)
        start = time.monotonic()
        answer = self._conversation.fresh().ask(f"How many owls does the tower {name} hold?")
        took = time.monotonic() - start
        library = self._conversation.library
        with self._lock:
            self.reads.asked += 1
            self.reads.answered += not answer.abstained
            self.reads.slowest = max(self.reads.slowest, took)
            self.reads.generations.add(answer.generation)
        if library.problem:
            self._fault(f"problem: {library.problem}")
        with library.reading(answer.generation) as reading:
            if reading.manifest.generation != answer.generation:
                with self._lock:
                    self.reads.gone += 1
                return
            for citation in answer.citations:
                if not resolves(citation, reading.index.document(citation.document).text):
                    self._fault(f"{answer.generation} has no {citation}")
            self._check(reading.index, chance)

    def _open(self, chance: random.Random) -> None:
        with closing(open_index(self._settings)) as index:
            self._check(index, chance)
        with self._lock:
            self.reads.opened += 1

    def _check(self, index: PassageIndex, chance: random.Random) -> None:
        """One generation, whole: the seal fits, and a document's passages and vectors are its."""
        ids = [listed.id for listed in index.documents()]
        texts = {document_id: index.document(document_id).text for document_id in ids}
        sealed = texts.pop(SEAL)
        if seal(texts) not in sealed:
            self._fault(f"{index.manifest.generation} is of two editions")
        document_id = chance.choice(sorted(texts))
        passages = index.passages_of(document_id)
        vectors = index.vectors([passage.node_id for passage in passages])
        for passage in passages:
            place = slice(passage.start_char_idx, passage.end_char_idx)
            if texts[document_id][place] != passage.get_content():
                self._fault(f"{index.manifest.generation}: {passage.node_id} has another text")
            vector = HashEmbedder().encode_query(embedding_text(passage))
            if not np.allclose(vectors[passage.node_id], vector, atol=1e-5):
                self._fault(f"{index.manifest.generation}: {passage.node_id} has another vector")
            if index.nearest(vector, 1)[0][1] < 0.999:
                self._fault(f"{index.manifest.generation}: {passage.node_id} is not found")


def main() -> None:
    command, indexes, *numbers = sys.argv[1:]
    settings = load_settings(indexes_dir=Path(indexes))
    result: Builds | Reads
    if command == "builds":
        result = build_and_be_killed(settings, int(numbers[0]), int(numbers[1]))
    else:
        with Reader(settings, int(numbers[0])) as reader:
            print("reading", flush=True)  # noqa: T201
            sys.stdin.read()
        result = reader.reads
    print(json.dumps(asdict(result), default=sorted), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
