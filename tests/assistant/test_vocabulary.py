import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.vocabulary import (
    Vocabulary,
    abbreviation,
    glossary_pairs,
    long_form,
)

GUILD = "- **AGS (Amber Guild of Sorrel)** - it sells lamps."
LOOM = "- **PLW (plasma loom weaving)** - it makes cloth."
KILN = "- **DKG (deep kiln glazing)** - it makes pots."
EDICT = "- **SAFE (Sorrel Amber Fair Edict)** - a law."
SOUP = "- **AGS (amber goose soup)** - it is hot."
VOCABULARY = Vocabulary.of([GUILD, LOOM, KILN])

GLOSSARY = """\
Words in our own words.

## Things

- **PLW (plasma loom weaving)** - cloth from gas, first seen in 2030. [works/looms, works/gas]
- **cDK / CDK (cold deep kiln)** and **PCDK** - a kiln without fire.
- **DNL / UDL (dark night lamp, ultradark lamp)** - lamps that glow little.
- **HPHL (high pier, high lamp)** – a lighthouse.
- **Lamp (lantern)** - it glows.
- **Seed (CDK)** - what a kiln begins with.

## Houses

- **MOFLAM** - Velmora's Ministry of Lamps, which licenses them. **GALV** - Velmora’s \
General Administration of Lanterns, its rival.
- **LTC / VLTC** - Velmora Lamp Trade Council; it settles quarrels.
- **Pell Four (P4)** - a works in Sorrel.
- **QZB:** the old Quiet Zinc Bell (of the pier), which rings.
- **LTB** — the old Lamp Trade Bank.
- **GV** - Velmora's Guild.
- **WALV** — Sorrel’s Weights Authority of Lanterns.
- **WALS** - Sorrel’s Weights Authority of Lanterns.
- **DARLO** - a lamp agency.
- **CMP** - a thing of no use to any cart maker of the pier.
"""


def long_form_as_published(short: str, text: str) -> str:
    """The loop of Schwartz and Hearst's paper, from right to left."""
    at = len(text)
    for place in reversed(range(len(short))):
        at -= 1
        while at >= 0 and (
            text[at].lower() != short[place].lower()
            or (place == 0 and at > 0 and text[at - 1].isalnum())
        ):
            at -= 1
        if at < 0:
            return ""
    return text[text.rfind(" ", 0, at) + 1 :]


@pytest.mark.parametrize(
    ("question", "added"),
    [
        ("Who leads the AGS?", "Amber Guild of Sorrel"),
        ("who leads the Amber Guild of Sorrel", "AGS"),
        ("Who leads the AMBER GUILD OF SORREL?", "AGS"),
        ("Who speaks for AGS's members?", "Amber Guild of Sorrel"),
        ("Who speaks for AGS’s members?", "Amber Guild of Sorrel"),
        ("Amber Guild of Sorrel's lamps", "AGS"),
        ("Two AGSs?", "Amber Guild of Sorrel"),
        ("AGS-made lamps", "Amber Guild of Sorrel"),
        ("Is it plasma-loom weaving?", "PLW"),
        ("“PLW”?", "plasma loom weaving"),
        ("what does plw cost", "plasma loom weaving"),
        ("deep-kiln glazings", "DKG"),
    ],
)
def test_expand_adds_the_other_name(question: str, added: str) -> None:
    assert VOCABULARY.expand(question) == f"{question} {added}"


@pytest.mark.parametrize(
    "question",
    [
        "",
        "?",
        "Who leads?",
        "Is AGS the Amber Guild of Sorrel?",
        "The Amber Guild, that of Sorrel’s north, or AGS: is it the amber guild of Sorrel?",
        "What are AGSX, XAGS and AGS2?",
        "What is PLW_3?",
        "Is there an amber guild?",
        "Amber lamps of the guild of Sorrel",
        "Deep kilns without glazing",
    ],
)
def test_expand_adds_nothing(question: str) -> None:
    assert VOCABULARY.expand(question) == question


def test_expand_several_names() -> None:
    question = "Does the AGS prefer PLW to deep kiln glazing?"
    assert VOCABULARY.expand(question) == (
        f"{question} Amber Guild of Sorrel DKG plasma loom weaving"
    )


def test_expand_by_three_names_at_most() -> None:
    vocabulary = Vocabulary.of([LOOM, KILN, GUILD, GUILD, "- **QZB** - quiet zinc bell."])
    assert vocabulary.expand("AGS, PLW, DKG, QZB") == (
        "AGS, PLW, DKG, QZB Amber Guild of Sorrel deep kiln glazing plasma loom weaving"
    )


def test_expand_adds_a_name_once() -> None:
    vocabulary = Vocabulary((("CDK", "cold deep kiln"), ("cDK", "cold deep kiln")))
    assert vocabulary.expand("CDK or cDK?") == "CDK or cDK? cold deep kiln"
    assert vocabulary.expand("Cold deep kilns?") == "Cold deep kilns? CDK"


def test_expand_the_longer_of_two_names() -> None:
    vocabulary = Vocabulary((("DK", "deep kiln"), ("DKG", "deep kiln glazing"), ("PDK", "pale DK")))
    assert vocabulary.expand("What is deep kiln glazing?") == "What is deep kiln glazing? DKG"
    assert vocabulary.expand("What is a deep kiln?") == "What is a deep kiln? DK"
    assert vocabulary.expand("What is a pale DK?") == "What is a pale DK? PDK"


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        ("cold vapour diffusion", "cold vapor diffusion"),
        ("Crown Vault Defence", "crown vault defense"),
        ("crown vault defense", "Crown Vault DEFENCE"),
        ("cart varnish depolarisation", "cart varnish depolarization"),
    ],
)
def test_expand_either_spelling(written: str, asked: str) -> None:
    vocabulary = Vocabulary.of([f"- **CVD ({written})** - a way."])
    assert vocabulary.expand(asked) == f"{asked} CVD"
    assert vocabulary.expand(f"CVD, or {asked}") == f"CVD, or {asked}"


@pytest.mark.parametrize(
    ("texts", "question"),
    [
        (
            [EDICT, "The pier is safe."],
            "Is the pier safe?",
        ),
        (["- **WHO (World Honey Office)** - it sells."], "who sells honey?"),
        (["- **US (Union of Sorrel)** - a union."], "Tell us more"),
    ],
)
def test_expand_words_are_no_abbreviations(texts: list[str], question: str) -> None:
    assert Vocabulary.of(texts).expand(question) == question


def test_expand_words_in_capitals_are_abbreviations() -> None:
    vocabulary = Vocabulary.of([EDICT, "The pier is safe."])
    assert vocabulary.expand("Is SAFE law?") == "Is SAFE law? Sorrel Amber Fair Edict"


def test_expand_a_word_only_in_ids_is_an_abbreviation() -> None:
    texts = ["- **SAFE (Sorrel Amber Fair Edict)** - a law. [works/safe, works/2031-safe-text]"]
    assert Vocabulary.of(texts).expand("Is safe law?").endswith("Sorrel Amber Fair Edict")


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.sampled_from(["AGS", "PLW's", "DKGs", "Amber Guild of Sorrel,", "Guild", "?", "("]))
)
def test_expand_any_question(words: list[str]) -> None:
    """Up to three names more; then it has both names of what it names."""
    question = " ".join(words)
    expanded = VOCABULARY.expand(question)
    added = expanded.removeprefix(question).strip()
    names = [name for pair in VOCABULARY.pairs for name in pair]
    assert expanded.startswith(question)
    assert re.fullmatch(rf"(?:(?:{'|'.join(names)}) ?){{0,3}}", added)
    for short, long in VOCABULARY.pairs:
        assert (short in expanded) == (long in expanded)


def test_of_no_text() -> None:
    assert Vocabulary.of([]) == Vocabulary(())


def test_of_texts_in_any_order() -> None:
    texts = [GLOSSARY, GUILD, LOOM, SOUP, "- **AGS** - Amber Guild of Sorrel."]
    assert Vocabulary.of(texts) == Vocabulary.of(reversed(texts))


def test_of_an_abbreviation_with_two_meanings() -> None:
    assert Vocabulary.of([GUILD, SOUP]).pairs == ()
    assert Vocabulary.of([f"{GUILD}\n{SOUP}"]).pairs == ()


def test_of_one_name_in_several_spellings() -> None:
    texts = [
        KILN,
        "- **DKG (deep-kiln glazings)** - pots.",
        "- **DKG (Deep kiln glazing)** - pots.",
    ]
    assert Vocabulary.of(texts).pairs == (("DKG", "Deep kiln glazing"),)


def test_of_a_text_that_is_no_glossary() -> None:
    """Names that a text defines in passing are left alone: they were measured to do harm."""
    assert Vocabulary.of(["The Amber Guild of Sorrel (AGS) sells lamps."]).pairs == ()


def test_from_dict_gives_back_what_json_held() -> None:
    vocabulary = Vocabulary.of([GLOSSARY, GUILD, "- **WHO (World Honey Office)** - it sells."])
    assert "WHO" in vocabulary.cased
    assert Vocabulary.from_dict(json.loads(json.dumps(vocabulary.as_dict()))) == vocabulary


def test_glossary_pairs_of_each_form_of_entry() -> None:
    assert glossary_pairs(GLOSSARY) == {
        ("PLW", "plasma loom weaving"),
        ("cDK", "cold deep kiln"),
        ("CDK", "cold deep kiln"),
        ("DNL", "dark night lamp"),
        ("UDL", "ultradark lamp"),
        ("HPHL", "high pier, high lamp"),
        ("MOFLAM", "Ministry of Lamps"),
        ("GALV", "General Administration of Lanterns"),
        ("LTC", "Lamp Trade Council"),
        ("VLTC", "Velmora Lamp Trade Council"),
        ("P4", "Pell Four"),
        ("QZB", "Quiet Zinc Bell"),
        ("LTB", "Lamp Trade Bank"),
        ("WALS", "Weights Authority of Lanterns"),
    }


def test_glossary_pairs_of_a_table() -> None:
    table = """\
# Names

| Term | Meaning |
|---|---|
| AGS | Amber Guild of Sorrel, a guild |
| **Deep kiln glazing (DKG)** | a way to glaze |
| Amber | it glows |
"""
    assert glossary_pairs(table) == {
        ("AGS", "Amber Guild of Sorrel"),
        ("DKG", "Deep kiln glazing"),
    }


def test_glossary_pairs_under_many_headings() -> None:
    text = "# Names\n## Houses\n### Of Sorrel\n- **AGS** - the Amber Guild of Sorrel.\n"
    assert glossary_pairs(text) == {("AGS", "Amber Guild of Sorrel")}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# Glossary\n",
        "A bullet:\n- **AGS** - Amber Guild of Sorrel.\nAnd a text\nof more lines.\n",
        "| AGS (Amber Guild of Sorrel) | 12 |\n|---|---|\n| DKG (deep kiln glazing) | 1.5 |\n",
        "- AGS - Amber Guild of Sorrel\n",
    ],
)
def test_glossary_pairs_of_what_is_no_glossary(text: str) -> None:
    assert glossary_pairs(text) == set()


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("AGS", "AGS"),
        ("AGSs", "AGS"),
        ("“AG”", "AG"),
        ("cDK", "cDK"),
        ("P4", "P4"),
        ("A&G", "A&G"),
        ("", ""),
        ("A", ""),
        ("As", ""),
        ("Sorrel", ""),
        ("2031", ""),
        ("the AGS", ""),
        ("ABCDEFGHIJK", ""),
    ],
)
def test_abbreviation(word: str, expected: str) -> None:
    assert abbreviation(word) == expected


@given(
    st.text("abcABC", min_size=2, max_size=4),
    st.lists(st.text("abcABC-", min_size=1, max_size=5), min_size=1, max_size=4).map(" ".join),
)
def test_long_form_is_the_one_of_the_paper(short: str, text: str) -> None:
    """Within the paper's limits: longer than the abbreviation, and without it as a word."""
    expected = long_form_as_published(short, text)
    found = long_form(short, text)
    if found:
        assert found == expected
    else:
        assert len(expected) <= len(short) or short in re.split("[ -]", expected)
