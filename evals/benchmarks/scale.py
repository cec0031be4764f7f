"""Retrieval from indexes of growing size: how long, and how much memory and disk."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from assistant.embeddings import Vectors, load_embedder
from assistant.index import PassageIndex
from assistant.retrieval import HybridRetriever
from assistant.schema import EVERYTHING, Filters
from assistant.settings import PROJECT, Settings
from evals.benchmarks import Row
from evals.benchmarks.synthetic import clustered, write_index

QUERIES = 100
FILTERS = {"": EVERYTHING, "1.4 %": Filters(topic=("few",)), "30 %": Filters(topic=("some",))}
MIB = 1 << 20

Progress = Callable[[int, int], None]


def measure(settings: Settings, sizes: Sequence[int], progress: Progress) -> list[Row]:
    """A row for each size and share of the documents that pass the filters.

    The text and the vectors are invented: see `write_index`. Each size is asked
    in a process of its own, which opens the index and nothing else; its memory
    is without the models'. The queries' vectors are given. What the model takes
    to encode a question is measured by itself, in each process, in turns with
    retrieval: `with encoding` counts it in. The first size is the measure of the
    others.

    Raises:
        ModelUnavailable: the model is not on this machine.
    """
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as place:
        for number, size in enumerate(sizes):
            folder = Path(place) / str(size)
            write_index(folder, size)
            rows.extend(_in_process(folder, settings))
            progress(number + 1, len(sizes))
    first = rows[0]
    return [
        {
            **row,
            "÷ first": row["p50 ms"] / first["p50 ms"],
            "with encoding ÷ first": (row["p50 ms"] + row["encoding ms"])
            / (first["p50 ms"] + first["encoding ms"]),
        }
        for row in rows
    ]


def _in_process(folder: Path, settings: Settings) -> list[dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-m", "evals.benchmarks.scale", str(folder), settings.model_dump_json()],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        check=True,
    )
    rows: list[dict[str, Any]] = json.loads(done.stdout)
    return rows


class Given:
    """An embedder for which the next question's vector is laid out."""

    vector: Vectors

    def encode_query(self, query: str) -> Vectors:
        return self.vector


def _ask(folder: Path, settings: Settings) -> list[dict[str, Any]]:
    """What one size gives, in a process that did nothing else."""
    before = _memory()
    with closing(PassageIndex.open(folder)) as index:
        times = {name: _times(index, filters) for name, filters in FILTERS.items()}
        memory = _memory() - before
        encoding = _encoding(settings)
        whole = _memory()
        return [
            {
                "passages": str(index.manifest.passages),
                "filtered": name,
                "p50 ms": float(np.percentile(its, 50)),
                "p95 ms": float(np.percentile(its, 95)),
                "encoding ms": encoding,
                "index MiB": memory / MIB,
                "process MiB": whole / MIB,
                "disk MiB": _disk(folder) / MIB,
                "load": os.getloadavg()[0],
            }
            for name, its in times.items()
        ]


def _times(index: PassageIndex, filters: Filters) -> list[float]:
    """Milliseconds of each query; the first, which finds nothing remembered, does not count."""
    embedder = Given()
    retriever = HybridRetriever(index, embedder, dense_weight=0.6, candidates=100, top_k=30)  # type: ignore[arg-type]
    within = retriever.within(filters)
    times = []
    for text, vector in _queries(index):
        embedder.vector = vector
        begun = time.perf_counter()
        within.retrieve(text)
        times.append(1000 * (time.perf_counter() - begun))
    return times[1:]


def _queries(index: PassageIndex) -> list[tuple[str, Vectors]]:
    """Every fifth word of the first forty of a passage, and a vector near its own."""
    random = np.random.default_rng(0)
    ids = list(index.keys())
    chosen = [ids[place] for place in random.integers(0, len(ids), QUERIES + 1)]
    vectors = index.vectors(chosen)
    queries = []
    for passage_id in chosen:
        vector = vectors[passage_id] + 0.5 * clustered(random, 1)[0]
        words = index.passage(passage_id).text.split()
        queries.append((" ".join(words[:40:5]), vector / np.linalg.norm(vector)))
    return queries


def _encoding(settings: Settings) -> float:
    """Milliseconds for the model to encode a question: the median."""
    embedder = load_embedder(settings.embedding_model, settings.threads, settings.embedding_backend)
    times = []
    for number in range(QUERIES):
        begun = time.perf_counter()
        embedder.encode_query(f"How many carats did plant {number} make in the year, and for whom?")
        times.append(1000 * (time.perf_counter() - begun))
    return float(np.median(times))


def _memory() -> int:
    """Bytes of memory that this process holds."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _disk(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


if __name__ == "__main__":
    asked = _ask(Path(sys.argv[1]), Settings.model_validate_json(sys.argv[2]))
    sys.stdout.write(json.dumps(asked))
