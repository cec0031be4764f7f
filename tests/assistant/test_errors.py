import inspect
import re
from pathlib import Path

from assistant import errors
from assistant.errors import AssistantError, UnreadableDocument

CLASSES = [
    member
    for _, member in inspect.getmembers(errors, inspect.isclass)
    if member.__module__ == errors.__name__
]


def drawn() -> set[tuple[str, str]]:
    """Each name in the tree of the docstring with the name that it hangs from."""
    branches = re.findall(r"^    ([│├└─ ]*)(\w+)", errors.__doc__ or "", re.MULTILINE)
    parents, pairs = {-1: "Exception"}, set()
    for marks, name in branches:
        depth = len(marks) // 4
        parents[depth] = name
        pairs.add((name, parents[depth - 1]))
    return pairs


def test_tree_draws_the_classes_that_exist() -> None:
    assert drawn() == {(error.__name__, error.__mro__[1].__name__) for error in CLASSES}


def test_every_error_is_an_assistant_error_and_explains_itself() -> None:
    assert len(CLASSES) > 1
    for error in CLASSES:
        assert issubclass(error, AssistantError)
        assert error.__doc__ != AssistantError.__doc__ or error is AssistantError


def test_unreadable_document_names_its_file_first() -> None:
    error = UnreadableDocument("not UTF-8; save it anew", Path("isle/owl.txt"))
    assert str(error) == "isle/owl.txt: not UTF-8; save it anew"
    assert (error.file, error.reason) == (Path("isle/owl.txt"), "not UTF-8; save it anew")
    assert str(UnreadableDocument("not UTF-8")) == "not UTF-8"
