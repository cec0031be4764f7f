"""What differs between a corpus and the index that was built from it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from llama_index.core.schema import Document

from assistant.documents import content_hash
from assistant.errors import UnreadableDocument
from assistant.index import Manifest, PassageIndex, Recipe
from assistant.loading import Found


@dataclass(frozen=True)
class Failure:
    """A file that is no document: why, and whether its earlier version stays in the index."""

    file: Path
    reason: str
    doc_id: str
    kept: bool = False


@dataclass(frozen=True)
class IngestReport:
    """What a build found and did, or would do.

    The first six hold document ids: `changed` documents have another text or,
    those in `described` as well, only other metadata. A renamed one is (before,
    after) and counts neither as added nor as removed. `duplicates` are groups
    of documents with one text. `recipe` has what the index was built with and
    what is asked for, by the name of the setting; where it is not empty, every
    document is cut and, unless its embedding is known, embedded anew.
    """

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    described: tuple[str, ...] = ()
    renamed: tuple[tuple[str, str], ...] = ()
    removed: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    duplicates: tuple[tuple[str, ...], ...] = ()
    failed: tuple[Failure, ...] = ()
    recipe: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    manifest: Manifest | None = None
    embedded: int = 0
    reused: int = 0
    notes: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to build."""
        return not (self.added or self.changed or self.renamed or self.removed or self.recipe)

    def as_dict(self) -> dict[str, Any]:
        """The report as `index build --json` prints it."""
        manifest = self.manifest
        return {
            "generation": manifest.generation if manifest else None,
            "documents": manifest.documents if manifest else 0,
            "passages": manifest.passages if manifest else 0,
            "embedded": self.embedded,
            "reused": self.reused,
            "added": list(self.added),
            "changed": list(self.changed),
            "metadata_only": list(self.described),
            "renamed": [list(pair) for pair in self.renamed],
            "removed": list(self.removed),
            "unchanged": len(self.unchanged),
            "duplicates": [list(group) for group in self.duplicates],
            "failed": [
                {"file": str(f.file), "reason": f.reason, "kept": f.kept} for f in self.failed
            ],
            "settings": {name: list(values) for name, values in self.recipe.items()},
            "notes": list(self.notes),
        }


@dataclass(frozen=True)
class Plan:
    """What a build has to do.

    `fresh` documents are cut anew, `carried` ones stay as they are in the old
    generation. `fingerprints` are those of all documents of the new generation,
    by document id in the order of ids.
    """

    report: IngestReport
    fresh: Sequence[Document]
    carried: frozenset[str]
    fingerprints: Mapping[str, str]


def compare(
    old: PassageIndex | None, recipe: Recipe, found: Iterable[Found], keep_failed: bool = False
) -> Plan:
    """Hold what was found in a corpus against the index.

    With `keep_failed`, a document that can no longer be read stays in the index
    as it was.
    """
    before = old.manifest.fingerprints if old else {}
    documents: dict[str, Document] = {}
    fingerprints: dict[str, str] = {}
    failed = []
    for one in found:
        if one.failure:
            kept = keep_failed and one.doc_id in before and one.doc_id not in fingerprints
            failed.append(_failure(one, one.failure, kept))
            if kept:
                fingerprints[one.doc_id] = before[one.doc_id]
            continue
        fingerprints[one.doc_id] = one.fingerprint
        if one.document:
            documents[one.doc_id] = one.document
    fingerprints = dict(sorted(fingerprints.items()))
    report = _report(old, recipe, documents, fingerprints, failed)
    carried = {d for d in fingerprints if before.get(d) == fingerprints[d]}
    if old and report.recipe:
        documents |= {d: old.document(d) for d in carried - documents.keys()}
        carried = set()
    fresh = [documents[d] for d in fingerprints if d not in carried]
    return Plan(report, fresh, frozenset(carried), fingerprints)


def _failure(found: Found, error: UnreadableDocument, kept: bool) -> Failure:
    return Failure(error.file or found.path, error.reason, found.doc_id, kept)


def _report(
    old: PassageIndex | None,
    recipe: Recipe,
    documents: Mapping[str, Document],
    fingerprints: Mapping[str, str],
    failed: Sequence[Failure],
) -> IngestReport:
    before = old.manifest.fingerprints if old else {}
    contents_before = old.contents() if old else {}
    contents = {d: content_hash(documents[d].text) for d in documents}
    contents |= {d: contents_before[d] for d in fingerprints if d not in contents}
    changed = [d for d, f in fingerprints.items() if d in before and before[d] != f]
    added = [d for d in fingerprints if d not in before]
    removed = [d for d in before if d not in fingerprints]
    renamed = list(_renamed(removed, added, contents_before, contents))
    return IngestReport(
        added=tuple(d for d in added if d not in {new for _, new in renamed}),
        changed=tuple(changed),
        described=tuple(d for d in changed if contents[d] == contents_before[d]),
        renamed=tuple(renamed),
        removed=tuple(sorted(d for d in removed if d not in {was for was, _ in renamed})),
        unchanged=tuple(d for d, f in fingerprints.items() if before.get(d) == f),
        duplicates=tuple(_same(contents)),
        failed=tuple(failed),
        recipe=_differing(old, recipe),
        manifest=old.manifest if old else None,
    )


def _renamed(
    removed: Iterable[str],
    added: Iterable[str],
    before: Mapping[str, bytes],
    after: Mapping[str, bytes],
) -> Iterator[tuple[str, str]]:
    """Documents that went and came again under another id, with the same text."""
    gone: dict[bytes, list[str]] = defaultdict(list)
    for document_id in sorted(removed, reverse=True):
        gone[before[document_id]].append(document_id)
    for document_id in sorted(added):
        if gone[after[document_id]]:
            yield gone[after[document_id]].pop(), document_id


def _same(contents: Mapping[str, bytes]) -> Iterator[tuple[str, ...]]:
    """The groups of documents that have one text."""
    groups: dict[bytes, list[str]] = defaultdict(list)
    for document_id, content in sorted(contents.items()):
        groups[content].append(document_id)
    return (tuple(group) for group in groups.values() if len(group) > 1)


def _differing(old: PassageIndex | None, recipe: Recipe) -> dict[str, tuple[Any, Any]]:
    if old is None:
        return {}
    built, wanted = old.manifest.recipe.model_dump(), recipe.model_dump()
    return {name: (built[name], value) for name, value in wanted.items() if built[name] != value}
