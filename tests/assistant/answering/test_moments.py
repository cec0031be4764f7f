import datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from assistant.answering.moments import Moment

# Pieces of questions that come near to a date, for any order of them.
PIECES = st.sampled_from(
    ["as of", "By", "in", "the", "end of", "mid-", "0", "7th", "31", "99", "May", "feb.", "SEPT",
     "auguſt", "Aprİl", "2031", "2031-02-30", "1999-13-01", "203", "٢", ",", ":", "of", "\n", "?"]
)  # fmt: skip


def until(question: str) -> str | None:
    """The day until which the documents count, as ISO text."""
    day = Moment.of(question).until
    return None if day is None else day.isoformat()


@given(st.text())
def test_moment_of_any_text(text: str) -> None:
    assert isinstance(Moment.of(text), Moment)


@given(st.lists(PIECES, max_size=9), st.sampled_from([" ", ""]))
@example(["as of", "auguſt", "2031"], " ")
@example(["as of", "Aprİl", "2031"], " ")
def test_moment_of_pieces_of_dates(pieces: list[str], between: str) -> None:
    day = Moment.of(between.join(pieces)).until
    assert day is None or 1900 <= day.year <= 2099


@pytest.mark.parametrize(
    ("date", "day"),
    [
        ("2031-03-02", "2031-03-02"),
        ("2 March 2031", "2031-03-02"),
        ("2nd March 2031", "2031-03-02"),
        ("2nd of March, 2031", "2031-03-02"),
        ("March 2, 2031", "2031-03-02"),
        ("March 2nd, 2031", "2031-03-02"),
        ("March 2 2031", "2031-03-02"),
        ("MARCH 2, 2031", "2031-03-02"),
        ("2 Mar. 2031", "2031-03-02"),
        ("3 Sept. 2031", "2031-09-03"),
        ("30 sep 2031", "2031-09-30"),
        ("March 2031", "2031-03-31"),
        ("March, 2031", "2031-03-31"),
        ("2031", "2031-12-31"),
    ],
)
def test_moment_reads_a_date_in_any_form(date: str, day: str) -> None:
    assert until(f"As of {date}, who sells amber?") == day


@pytest.mark.parametrize(
    ("date", "day"),
    [
        ("early 2031", "2031-04-30"),
        ("the beginning of 2031", "2031-04-30"),
        ("the start of 2031", "2031-04-30"),
        ("mid-2031", "2031-08-31"),
        ("mid 2031", "2031-08-31"),
        ("the middle of 2031", "2031-08-31"),
        ("late 2031", "2031-12-31"),
        ("the end of 2031", "2031-12-31"),
        ("early March 2031", "2031-03-10"),
        ("mid-March 2031", "2031-03-20"),
        ("Mid-March 2031", "2031-03-20"),
        ("late March 2031", "2031-03-31"),
        ("the end of February 2032", "2032-02-29"),
    ],
)
def test_moment_reads_a_part_of_a_year_or_month(date: str, day: str) -> None:
    """The last day that the words may mean."""
    assert until(f"Who sold amber up to {date}?") == day


@pytest.mark.parametrize(
    "question",
    [
        "As of 2 March 2031, who sells amber?",
        "Who sold amber as at 2 March 2031?",
        "As things stood on 2 March 2031, who sold amber?",
        "Who sold amber up to 2 March 2031?",
        "Who sold amber until 2 March 2031?",
        "Who sold amber till 2 March 2031?",
        "Who sold amber before 2 March 2031?",
        "Who sold amber prior to 2 March 2031?",
        "Who had sold amber by 2 March 2031?",
        "Who sold amber back in 2031-03-02?",
        "Who sold amber at the time of 2 March 2031?",
        "What was known on 2 March 2031?",
        "On 2 March 2031, who sold amber?",
        "Around 2 March 2031: who sold amber?",
        "2 March 2031, who sold amber?",
    ],
)
def test_moment_of_wording_that_sets_it(question: str) -> None:
    assert until(question) == "2031-03-02"


@pytest.mark.parametrize(
    "question",
    [
        "Who sold amber on 2 March 2031?",
        "On 2 March 2031 who sold amber?",
        "What did the 2031 report say?",
        "Who wrote to 2031-03-02?",
        "",
    ],
)
def test_moment_of_a_date_that_sets_none(question: str) -> None:
    """A date that is part of what is asked says nothing about what is known."""
    assert Moment.of(question) == Moment()


@pytest.mark.parametrize(
    "question",
    [
        "Who, by law, may sell amber?",
        "Before May, who sold amber?",
        "Who sold amber by March?",
        "As of 2 March, who sold amber?",
        "By 20310, who sold amber?",
        "By 1899, who sold amber?",
        "As of Marchland 2031, who sold amber?",
    ],
)
def test_moment_of_no_year_sets_none(question: str) -> None:
    """`may` is a month only in a date."""
    assert until(question) is None


def test_moment_may_is_a_month_in_a_date() -> None:
    assert until("As of May 2031, who may sell amber?") == "2031-05-31"


@pytest.mark.parametrize(
    ("date", "day"),
    [
        ("31 February 2031", "2031-02-28"),
        ("February 31, 2032", "2032-02-29"),
        ("99 April 2031", "2031-04-30"),
        ("0 April 2031", "2031-04-30"),
        ("2031-02-31", None),
        ("2031-13-01", None),
    ],
)
def test_moment_of_a_day_that_never_was(date: str, day: str | None) -> None:
    assert until(f"As of {date}, who sells amber?") == day


@pytest.mark.parametrize(
    "question",
    [
        "Is amber still free?",
        "Who CURRENTLY sells amber?",
        "What is the latest price of amber?",
        "Who sells amber these days?",
        "What is the most recent price?",
        "Is the price up-to-date?",
        "Who sells it as things stand?",
        "Does anyone sell it any more?",
    ],
)
def test_moment_now(question: str) -> None:
    assert Moment.of(question) == Moment(now=True)


@pytest.mark.parametrize("question", ["Who sells amber?", "Who is known?", "Is it distilled?"])
def test_moment_not_now(question: str) -> None:
    assert Moment.of(question) == Moment()


MARCH = datetime.date(2031, 3, 2)


def test_moment_of_a_question_that_names_none_is_as_of_the_day_given() -> None:
    assert Moment.of("Who sells amber?", MARCH) == Moment(until=MARCH)
    assert Moment.of("As of 2030, who sold amber?", MARCH).until == datetime.date(2030, 12, 31)


def test_moment_now_is_the_day_given() -> None:
    assert Moment.of("Is amber still free?", MARCH) == Moment(until=MARCH, now=True)
    assert not Moment.of("As of 2030, was amber still free?", MARCH).now


def test_moment_a_date_counts_more_than_now() -> None:
    moment = Moment.of("As of 2 March 2031, was amber still free?")
    assert moment == Moment(until=datetime.date(2031, 3, 2))


@pytest.mark.parametrize(
    ("published", "known"),
    [("2031-03-01", True), ("2031-03-02", True), ("2031-03-03", False), (None, True)],
)
def test_moment_knows_what_was_out(published: str | None, known: bool) -> None:
    assert Moment(until=datetime.date(2031, 3, 2)).knows(published) is known


def test_moment_without_a_date_knows_everything() -> None:
    assert Moment().knows("2099-12-31")
    assert Moment(now=True).knows("2099-12-31")
