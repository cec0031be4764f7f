from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.answering.checks import Checker, Evidence, Finding
from assistant.reranking import Judgement, Reading
from assistant.vocabulary import Vocabulary


def kinds(sentence: str, *texts: str, **source: str) -> set[str]:
    """The kinds of findings, without a model."""
    evidence = [Evidence(text, **source) for text in texts]
    return {finding.kind for finding in Checker().check(sentence, evidence).findings}


SAME_NUMBERS = [
    ("It costs 1000 yen.", "It costs 1,000 yen."),
    ("It costs one thousand yen.", "It costs ¥1,000."),
    ("It costs 33 billion dollars.", "It costs $33bn."),
    ("It costs US$1.5 million.", "It costs $1.5m."),
    ("It made 250 lamps.", "It made two hundred and fifty lamps."),
    ("A third of lamps broke.", "33 per cent of lamps broke."),
    ("Half of the lamps broke.", "50% of the lamps broke."),
    ("Four out of five lamps broke.", "80% of the lamps broke."),
    ("It grew by 20-30%.", "It grew by 20 to 30 per cent."),
    ("It grew by 20 -30%.", "It grew by 20 – 30 per cent."),
    ("Growth was -3 percent.", "Growth was minus 3 per cent."),
    ("Growth was −3 percent.", "Output fell by 3 per cent."),
    ("Output fell by 3 percent.", "Growth was –3 per cent."),
    ("The result was -$3 million.", "The loss was $3 million."),
    ("The lamp – 3 metres long – burned.", "The lamp is 3 metres long."),
    ("It is 5 to 10 millimetres thick.", "It is 5-10 mm thick."),
    ("It is 5-10 km away.", "It is 5,000 to 10,000 metres away."),
    ("It cost 5 million to 10 million crowns.", "It cost 5-10m crowns."),
    ("It weighs 2,000 kg.", "It weighs 2 tonnes."),
    ("It fell by 50 basis points.", "It fell by 0.5 percentage points."),
    ("It cost about $33 billion.", "It cost $33.2 billion."),
    ("It cost nearly 600 yen.", "It cost 594 yen."),
    ("It has more than 500 lamps.", "It has 541 lamps."),
    ("It makes 9.2 gigawatts from gas.", "Of the 10 gigawatts, 9.2 come from gas."),
    ("See page two.", "See the second page."),
    ("It is the first lamp.", "It is the initial lamp."),
    ("It produced 1 million lamps in dozens of towns.", "It produced 1,000,000 lamps in 40 towns."),
    ("It is one of the lamps.", "It is among the lamps."),
    ("It doubled.", "It is twice what it was."),
]  # fmt: skip


@pytest.mark.parametrize(("sentence", "cited"), SAME_NUMBERS)
def test_check_finds_a_number_however_it_is_written(sentence: str, cited: str) -> None:
    assert "number" not in kinds(sentence, cited)


OTHER_NUMBERS = [
    ("It costs 550 million dollars.", "It costs $550 billion."),
    ("It costs ¥33 billion.", "It costs $33 billion."),
    ("It costs €33 billion.", "It costs 33 billion dollars."),
    ("It costs $33 billion.", "It costs $33.2 billion."),
    ("It cost about $34 billion.", "It cost $33.2 billion."),
    ("It cost about 304 yen.", "It cost 300 yen."),
    ("It makes 10 megawatts.", "It makes 10 gigawatts."),
    ("It makes 10 kg.", "It makes 10 tonnes."),
    ("It has three plants.", "It has two plants and three reactors."),
    ("It grew by 30-40%.", "It grew by 20-30%."),
    ("Growth was -3 percent.", "Growth was 3 percent."),
    ("Growth was minus 3 percent.", "Growth was 3 percent."),
    ("Growth was 3 percent.", "Growth was -3 percent."),
    ("The result was -$3 million.", "The result was $3 million."),
    ("It is 5 million mm to 10 mm thick.", "It is 5-10 mm thick."),
    ("It is 5 million nm to 10 nm thick.", "It is 5-10 nm thick."),
    ("It has less than 90%.", "It has more than 90%."),
    ("It has more than 80 lamps.", "It has more than 90 lamps."),
    ("Two things were open.", "Three things were open."),
    ("A quarter of lamps broke.", "33 per cent of lamps broke."),
    ("It is the third lamp.", "It is the second lamp."),
    ("It is six inches wide, said Element Six.", "It is four inches wide, said Element Six."),
]  # fmt: skip


@pytest.mark.parametrize(("sentence", "cited"), OTHER_NUMBERS)
def test_check_finds_that_a_number_is_another(sentence: str, cited: str) -> None:
    assert "number" in kinds(sentence, cited)


@pytest.mark.parametrize(
    ("sentence", "cited", "computed"),
    [
        ("Together that is $75 billion.", "It is $25 billion, then $50 billion.", "$75 billion"),
        ("That is $6.7m less.", "It raised $23.3m, not $30m.", "$6.7m"),
        ("It fell by 15 percentage points.", "It fell from 30% to 15%.", "15 percentage points"),
        ("It rose by 50%.", "It rose from 200 tonnes to 300 tonnes.", "50%"),
        ("It came three days later.", "It ran from 3 May 2025 to 6 May 2025.", "three days"),
    ],
)  # fmt: skip
def test_check_marks_a_number_that_can_be_worked_out(
    sentence: str, cited: str, computed: str
) -> None:
    verdict = Checker().check(sentence, [Evidence(cited)])
    assert verdict.computed == (computed,)
    assert verdict.passed


def test_check_takes_no_difference_of_the_ends_of_a_range() -> None:
    assert "number" in kinds("It lost a further 10%.", "It lost 20% to 30%.")


SAME_DATES = [
    ("It opened on February 17, 2026.", "It opened on 17 Feb 2026."),
    ("It opened on February 17.", "It opened on 17 Feb 2026."),
    ("It opened in February 2026.", "It opened on 17 February 2026."),
    ("It opened in 2026.", "It opened on 17 February 2026."),
    ("It opened in Q2 2026.", "It opened in the second quarter of 2026."),
    ("It opened in the second quarter of 2026.", "It opened in May 2026."),
    ("It opened in early 2026.", "It opened in January 2026."),
    ("It opened on Tuesday.", "It opened on 17 February 2026."),
    ("It ran in the 1990s.", "It ran in 1994."),
    ("It ran until 2026.", "It ran in 2025-26."),
]  # fmt: skip


@pytest.mark.parametrize(("sentence", "cited"), SAME_DATES)
def test_check_finds_a_date_that_holds_a_cited_one(sentence: str, cited: str) -> None:
    assert kinds(sentence, cited) == set()


OTHER_DATES = [
    ("It opened on 18 February 2026.", "It opened on 17 February 2026."),
    ("It opened on 17 March 2026.", "It opened on 17 February 2026."),
    ("It opened in 2025.", "It opened on 17 February 2026."),
    ("It opened on 17 February 2026.", "It opened in February 2026."),
    ("It opened in February 2026.", "It opened in 2026."),
    ("It opened in Q1 2026.", "It opened in May 2026."),
    ("It opened on Monday.", "It opened on 17 February 2026."),
    ("It opened yesterday.", "It opened on 17 February 2026."),
]  # fmt: skip


@pytest.mark.parametrize(("sentence", "cited"), OTHER_DATES)
def test_check_finds_that_a_date_is_another(sentence: str, cited: str) -> None:
    assert kinds(sentence, cited) == {"date"}


UNREAD = [
    ("It cost43 million crowns.", "It cost 42 million crowns.", {"cost43"}),
    ("It is x43 million crowns.", "It cost 42 million crowns.", {"x43"}),
    ("It grew by .5 percent.", "It grew by 0.3 percent, and 5 lamps were lit.", {".5"}),
    ("It grew by ½ percent.", "It grew by 3 percent.", {"½"}),
    ("It cost 10⁹ crowns.", "It cost 10 crowns.", {"10⁹"}),
    ("It cost 42.000.000 crowns.", "It cost 42 crowns.", {"42.000.000"}),
    ("It cost 1,5 million crowns.", "It cost 1 crown, of 5 million.", {"1,5"}),
    ("It cost 四十三万 crowns.", "It cost 42 crowns.", {"四十三万"}),
    ("It cost several million crowns.", "It cost 42 crowns.", {"million"}),
    ("It cost several hundred million crowns.", "It cost 42 million crowns.", {"hundred million"}),
    ("It was 1 in 0 cases.", "It was so.", {"1", "0"}),
    ("It cost several million crowns.", "It cost 42,000,000 crowns.", set()),
    ("It cost several hundred million crowns.", "It cost $550m.", set()),
    ("It is a multi-billion project.", "It is a project of $33bn.", set()),
    ("Lamps use CO₂ and the H100.", "The H100 and CO2 are used.", set()),
    ("It cost ½ a crown.", "For ½ a crown it was sold.", set()),
    ("Version 3.5.1 burns.", "They burn with version 3.5.1.", set()),
]


@pytest.mark.parametrize(("sentence", "cited", "found"), UNREAD)
def test_check_wants_a_figure_that_it_cannot_read_in_the_evidence(
    sentence: str, cited: str, found: set[str]
) -> None:
    findings = Checker().check(sentence, [Evidence(cited)]).findings
    assert {one.value for one in findings if one.kind == "number"} == found


def test_check_takes_a_sources_date_for_the_source_alone() -> None:
    source = {"publisher": "The Gazette", "published": "2026-03-02"}
    cited = "The lamp was lit on 1 March 2026."
    assert kinds("The Gazette reported on 2 March 2026 that it was lit.", cited, **source) == set()
    assert kinds("As of 2 March 2026 the lamp was lit.", cited, **source) == set()
    assert kinds("The lamp was lit on 2 March 2026.", cited, **source) == {"date"}


def test_check_reads_a_weekday_by_the_day_of_publication() -> None:
    source = {"published": "2026-02-18"}
    assert kinds("It was lit on 17 February 2026.", "It was lit on Tuesday.", **source) == set()
    assert kinds("It was lit on 19 February 2026.", "It was lit on Tuesday.", **source) == {"date"}


@pytest.mark.parametrize("published", [None, "2026-02-01", "2024-01-01"])
def test_check_knows_that_most_years_have_no_29_february(published: str | None) -> None:
    cited = [Evidence("It was lit on 29 February.", published=published)]
    found = Checker().check("It was lit on Thursday, five days later.", cited).findings
    wrong = {finding.value for finding in found}
    assert wrong == ({"five days"} if published == "2024-01-01" else {"five days", "Thursday"})


def test_check_knows_that_february_has_28_days_too() -> None:
    cited = "It was lit in February."
    assert kinds("It was lit in February 2026.", cited, published="2026-02-01") == set()


SAME_NAMES = [
    ("Akazawa spoke.", "Ryosei Akazawa spoke."),
    ("Japanese firms spoke.", "Firms from Japan spoke."),
    ("America spoke.", "The U.S. spoke."),
    ("METI spoke.", "The Ministry of Economy, Trade and Industry spoke."),
    ("USGS spoke.", "The US Geological Survey spoke."),
    ("AI spoke.", "It is said that artificial intelligence spoke."),
    ("Lutnick's aide spoke.", "An aide of Howard Lutnick spoke."),
    ("The ministry spoke.", "A ministry spoke."),
    ("Officials of Element Six spoke.", "People at Element Six spoke."),
]  # fmt: skip


@pytest.mark.parametrize(("sentence", "cited"), SAME_NAMES)
def test_check_finds_a_name_in_another_form(sentence: str, cited: str) -> None:
    assert "name" not in kinds(sentence, cited)


OTHER_NAMES = [
    ("Bessent spoke.", "Howard Lutnick spoke."),
    ("Scott Lutnick spoke.", "Howard Lutnick spoke."),
    ("Park Yong-beom spoke.", "Kim Yong-beom spoke."),
    ("Chinese firms spoke.", "Firms from Japan spoke."),
    ("Ryosei Lutnick spoke.", "Ryosei Akazawa met Howard Lutnick."),
    ("NEXI spoke.", "JBIC spoke."),
    ("Trump told Lutnick of a lamp.", "Lutnick told Trump of a lamp."),
    ("It is 90% for Japan and 10% for Peru.", "It is 90% for Peru and 10% for Japan."),
]  # fmt: skip


@pytest.mark.parametrize(("sentence", "cited"), OTHER_NAMES)
def test_check_finds_that_a_name_is_another(sentence: str, cited: str) -> None:
    assert kinds(sentence, cited) & {"name", "number"}


def test_check_knows_abbreviations_of_the_glossary() -> None:
    vocabulary = Vocabulary((("AGS", "Amber Guild of Sorrel"),))
    cited = [Evidence("The AGS sells lamps.")]
    assert not Checker().check("The Amber Guild of Sorrel sells lamps.", cited).passed
    assert (
        Checker(vocabulary=vocabulary).check("The Amber Guild of Sorrel sells lamps.", cited).passed
    )


def test_check_takes_a_publisher_and_a_title_for_names() -> None:
    source = {"publisher": "The Gazette", "title": "Lamps in Sorrel"}
    assert kinds("The Gazette says a lamp burns in Sorrel.", "A lamp burns.", **source) == set()


@pytest.mark.parametrize(
    ("sentence", "found"),
    [
        ("He called it “a huge misjudgment”.", set()),
        ("He called it 'a huge ... misjudgment'.", set()),
        ("He called it “a great misjudgment”.", {"quote"}),
    ],
)
def test_check_finds_quoted_phrases(sentence: str, found: set[str]) -> None:
    assert kinds(sentence, "He called it a huge misjudgment.") == found


@pytest.mark.parametrize(
    ("sentence", "cited", "found"),
    [
        ("The lamp was not lit.", "The lamp was lit.", {"negation"}),
        ("The lamp was lit.", "The lamp was not lit.", {"negation"}),
        ("The lamp was not lit.", "Nobody lit the lamp; it was not lit.", set()),
        ("Prices fell.", "Prices rose.", {"negation"}),
        ("Prices rose.", "Prices climbed.", set()),
        ("The lamp is legal.", "The lamp is illegal.", {"negation"}),
        ("The guild builds a lamp.", "The guild plans to build a lamp.", {"hedge"}),
        ("The guild hopes to build a lamp.", "The guild plans to build a lamp.", set()),
        ("Not only lamps burn.", "Lamps burn, and so do owls.", set()),
    ],
)
def test_check_finds_what_is_turned_round(sentence: str, cited: str, found: set[str]) -> None:
    assert kinds(sentence, cited) == found


def test_check_finds_a_sentence_without_a_citation() -> None:
    verdict = Checker().check("A lamp burns.", [])
    assert verdict.findings == (Finding("uncited", "A lamp burns."),)
    assert not verdict.passed


def test_check_finds_values_as_they_stand_in_the_sentence() -> None:
    found = Checker().check("It cost US$ 34 bn on 3 May.", [Evidence("It cost $33 bn.")]).findings
    assert found == (Finding("number", "US$ 34 bn"), Finding("date", "3 May"))


class Judge:
    """Answers with one logit."""

    def __init__(self, logit: float) -> None:
        self.logit = logit

    def judge(self, readings: Sequence[Reading]) -> list[Judgement]:
        return [Judgement(self.logit, np.array([self.logit], dtype=np.float32)) for _ in readings]


def test_support_is_none_without_a_model() -> None:
    assert Checker().check("A lamp burns.", [Evidence("A lamp burns.")]).support is None


def test_rules_are_the_checks_without_their_model() -> None:
    vocabulary = Vocabulary((("AGS", "Amber Guild of Sorrel"),))
    rules = Checker(Judge(-8.0), vocabulary).rules
    verdict = rules.check(
        "The Amber Guild of Sorrel sells lamps.", [Evidence("The AGS sells lamps.")]
    )
    assert verdict.support is None
    assert verdict.passed


def test_support_falls_with_the_logit_and_with_what_is_added() -> None:
    def support(logit: float, sentence: str) -> float:
        return Checker(Judge(logit)).check(sentence, [Evidence("A lamp burns.")]).support or 0.0

    added = "A lamp burns, and owls gather every night around several ponds."
    assert support(5, "A lamp burns.") > support(-5, "A lamp burns.")
    assert support(0, "A lamp burns.") > support(0, added)
    found = Checker(Judge(-8.0)).check(added, [Evidence("A lamp burns.")]).findings
    assert "support" in {finding.kind for finding in found}


WRITTEN = st.integers(2, 9_999_999)


def forms(value: int) -> st.SearchStrategy[str]:
    """Ways to write an amount of dollars."""
    ways = [f"${value}", f"${value:,}", f"{value:,} dollars", f"USD {value}", f"US${value:,}"]
    if value % 1000 == 0:
        ways += [f"{value // 1000} thousand dollars", f"${value // 1000}k"]
    return st.sampled_from(ways)


@settings(deadline=None)
@given(st.data(), WRITTEN)
def test_any_amount_equals_itself_however_written(data: st.DataObject, value: int) -> None:
    one, other = data.draw(forms(value)), data.draw(forms(value))
    assert kinds(f"It cost {one} in all.", f"It cost {other} then.") == set()


@settings(deadline=None)
@given(st.data(), WRITTEN, WRITTEN)
def test_any_altered_amount_is_found(data: st.DataObject, value: int, wrong: int) -> None:
    if value != wrong:
        one, other = data.draw(forms(wrong)), data.draw(forms(value))
        assert kinds(f"It cost {one} in all.", f"It cost {other} then.") == {"number"}


@settings(deadline=None)
@given(st.dates(), st.dates())
def test_any_altered_day_is_found(day: object, other: object) -> None:
    import datetime

    assert isinstance(day, datetime.date)
    assert isinstance(other, datetime.date)
    if day.year < 1500 or other.year < 1500 or day.year > 2199 or other.year > 2199:
        return
    sentence = f"It was lit on {day.day} {day:%B} {day.year}."
    found = kinds(sentence, f"It was lit on {other:%B} {other.day}, {other.year}.")
    assert found == (set() if day == other else {"date"})


@settings(deadline=None)
@given(st.text(max_size=80), st.text(max_size=80))
def test_any_text_can_be_checked(sentence: str, cited: str) -> None:
    Checker().check(sentence, [Evidence(cited, cited, cited, "2026-01-01")])


# What the rules look for, so that they meet where they do not expect each other.
_TELLING = st.sampled_from([
    "29 February", "31", "2026", "Tuesday", "last year", "Q4", "five days later", "from 3 to 5",
    "zero", "one", "0", "7", "1.5", "½", "²", "四", "in", "out of", "ten", "third", "half a",
    "hundreds", "$", "€", "%", "percent", "million", "bn", "m", "mm", "-", "/", ".", ",", "♦",
    "\ud83d",
])  # fmt: skip


@settings(deadline=None, max_examples=300)
@given(
    st.lists(_TELLING, max_size=14),
    st.lists(_TELLING, max_size=14),
    st.sampled_from([" ", ""]),
    st.sampled_from([None, "2024-02-29", "2026-02-01", "2025-12-31"]),
)
def test_any_row_of_figures_and_dates_can_be_checked(
    said: list[str], cited: list[str], between: str, published: str | None
) -> None:
    Checker(None).check(between.join(said), [Evidence(between.join(cited), published=published)])


@pytest.mark.parametrize(
    "text",
    ["zero out of ten lamps", "zero in ten lamps", "1 in 0 cases", "1 out of 0 lamps", "0 in ten"],
)
def test_share_with_a_zero_can_be_checked(text: str) -> None:
    assert kinds(text, text) == set()
    Checker().check("A lamp burns.", [Evidence(text)])
