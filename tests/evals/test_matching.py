import doctest
import importlib

import pytest

from evals.matching import Date, Number, Wanted, says, tokens


@pytest.mark.parametrize("name", ["evals.matching"])
def test_examples_in_docstrings(name: str) -> None:
    result = doctest.testmod(importlib.import_module(name))
    assert result.attempted > 0
    assert result.failed == 0


@pytest.mark.parametrize("text", ["$600m", "600 million dollars", "US$600 million"])
@pytest.mark.parametrize("wanted", ["$600m", "600 million dollars", "US$600 million"])
def test_says_an_amount_however_it_is_written(text: str, wanted: str) -> None:
    assert says(f"The plant costs {text} in all.", wanted)


@pytest.mark.parametrize("text", ["$600m", "600 million dollars", "US$600 million", "¥600m"])
def test_says_an_amount_whose_unit_is_left_open(text: str) -> None:
    assert says(f"It costs {text}.", "600 million")


@pytest.mark.parametrize("wanted", ["$600m", "600 million dollars", "US$600 million"])
def test_says_no_unit_where_one_is_wanted(wanted: str) -> None:
    assert not says("It costs 600 million.", wanted)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("1.5 million", "1,500,000"),
        ("five hundred million", "500 million"),
        ("$550-billion", "$550 billion"),
        ("550 bn USD", "$550 billion"),
        ("600-million-dollar", "$600m"),
        ("3.0 tonnes", "3 tonnes"),
        ("one million million", "1 trillion"),
        ("€7", "7 euros"),
        ("£7", "7 pounds"),
    ],
)
def test_says_the_same_number_both_ways(text: str, wanted: str) -> None:
    assert says(text, wanted)
    assert says(wanted, text)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("1,600", "600"),
        ("1600", "600"),
        ("600,000", "600"),
        ("1.600", "600"),
        ("600.5", "600"),
        ("$1,600 million", "$600 million"),
        ("2026", "20"),
    ],
)
def test_says_not_a_number_cut_in_two(text: str, wanted: str) -> None:
    assert not says(f"It came to {text}, they said.", wanted)


@pytest.mark.parametrize("wanted", ["$600", "600 dollars"])
def test_says_not_an_amount_a_million_times_smaller(wanted: str) -> None:
    assert not says("It costs $600 million.", wanted)


def test_says_a_number_at_the_end_of_a_sentence() -> None:
    assert says("There were 600.", "600")
    assert says("Of 600, few stayed.", "600")


@pytest.mark.parametrize("text", ["15%", "15 per cent", "15 percent", "fifteen percent", "15 pct"])
@pytest.mark.parametrize("wanted", ["15%", "15 per cent"])
def test_says_a_percentage_however_it_is_written(text: str, wanted: str) -> None:
    assert says(f"A tariff of {text} applies.", wanted)


@pytest.mark.parametrize("text", ["115%", "115 per cent", "0.15%", "15.5%", "15 dollars", "15"])
@pytest.mark.parametrize("wanted", ["15%", "15 per cent"])
def test_says_not_another_percentage(text: str, wanted: str) -> None:
    assert not says(f"A tariff of {text} applies.", wanted)


@pytest.mark.parametrize("wanted", ["4%", "four percent", "four per cent", "4 percent"])
def test_says_a_number_in_words(wanted: str) -> None:
    assert says("It rose by Four Percent.", wanted)


@pytest.mark.parametrize("wanted", ["5%", "20 plants", "20"])
def test_says_not_half_of_a_number_in_words(wanted: str) -> None:
    assert not says("twenty-five percent of twenty-five plants", wanted)


@pytest.mark.parametrize(
    ("text", "wanted", "expected"),
    [
        ("¥3 trillion", "3 trillion yen", True),
        ("3 trillion yen", "¥3 trillion", True),
        ("3tn JPY", "¥3 trillion", True),
        ("$3 trillion", "3 trillion yen", False),
        ("3 trillion yen", "$3 trillion", False),
        ("$3 trillion", "¥3 trillion", False),
        ("¥3 billion", "¥3 trillion", False),
    ],
)
def test_says_a_currency_only_if_it_is_the_same(text: str, wanted: str, expected: bool) -> None:
    assert says(f"Japan offers {text} in loans.", wanted) is expected


@pytest.mark.parametrize(
    "text",
    ["17 Feb 2026", "February 17, 2026", "17 FEBRUARY 2026", "Feb. 17 2026", "17 February, 2026"],
)
@pytest.mark.parametrize("wanted", ["17 Feb 2026", "February 17, 2026", "17 February", "Feb 17"])
def test_says_a_date_however_it_is_written(text: str, wanted: str) -> None:
    assert says(f"Signed on {text} in Tokyo.", wanted)


@pytest.mark.parametrize(
    "text", ["17 Feb 2025", "18 Feb 2026", "17 March 2026", "17 Feb", "February 2026", "7 Feb 2026"]
)
@pytest.mark.parametrize("wanted", ["February 17, 2026", "17 February 2026"])
def test_says_not_another_date(text: str, wanted: str) -> None:
    assert not says(f"Signed on {text} in Tokyo.", wanted)


@pytest.mark.parametrize("text", ["It costs $600m.", "It costs ¥3 trillion."])
def test_says_any_of_a_list(text: str) -> None:
    assert says(text, ["$600 million", "3 trillion yen"])


@pytest.mark.parametrize("wanted", [["$6", "¥3 trillion"], []])
def test_says_none_of_a_list(wanted: Wanted) -> None:
    assert not says("It costs $600m.", wanted)


@pytest.mark.parametrize("wanted", ["GEORGIA", "georgia", "in  georgia", "Georgia\nplant"])
def test_says_whatever_the_case_and_the_spaces(wanted: str) -> None:
    assert says("It stands in Georgia  plant 2.", wanted)


@pytest.mark.parametrize("text", ["twenty 2026-06-24", "$2026-06-24"])
def test_says_a_day_that_follows_a_number_or_a_sign(text: str) -> None:
    assert says(text, "24 June 2026")


def test_says_words_with_other_punctuation() -> None:
    assert says("Japan’s “first-batch” projects", "japan's first batch")


def test_says_words_in_their_order_only() -> None:
    assert not says("first batch", "batch first")


def test_says_part_of_a_word() -> None:
    """Characters count, so that a singular is found in its plural."""
    assert says("The plants of Georgia", "plant")
    assert not says("plant", "plants")


@pytest.mark.parametrize("wanted", ["", " ", "\n"])
def test_says_not_nothing(wanted: str) -> None:
    assert not says("It costs $600m.", wanted)


@pytest.mark.parametrize("wanted", ["a", "600", "$600m", "17 Feb 2026", "("])
def test_says_nothing_in_an_empty_text(wanted: str) -> None:
    assert not says("", wanted)


@pytest.mark.parametrize("sign", ["$", "¥", "€", "£", "%"])
def test_says_a_lone_sign(sign: str) -> None:
    assert says(f"paid in {sign}", sign)
    assert not says("paid in kind", sign)


@pytest.mark.parametrize("wanted", ["(", ")", "\\", "[", ".*", "\\d", "💎", "a|b", "?", "\x00"])
def test_says_signs_only_as_they_stand(wanted: str) -> None:
    assert says(f"well {wanted} then", wanted)
    assert not says("ab 12", wanted)


@pytest.mark.parametrize("digits", [400, 5000])
def test_says_with_absurdly_long_numbers(digits: int) -> None:
    assert not says("May " + "9" * digits, "5 May")


@pytest.mark.parametrize("sign", ["²", "½", "x²"])
def test_says_with_signs_that_are_nearly_digits(sign: str) -> None:
    assert says(f"1,500 {sign}", sign)
    assert not says(sign, "2")


def test_tokens_read_numbers_with_their_units() -> None:
    assert tokens("$1,500.5 and 3 yen") == (Number(1500.5, "dollar"), "and", Number(3, "yen"))


def test_tokens_read_dates_with_and_without_year() -> None:
    assert tokens("17 Feb 2026, 3 May") == (Date(17, 2, 2026), Date(3, 5))


def test_tokens_leave_a_month_without_a_day() -> None:
    assert tokens("May 32 may") == ("may", Number(32), "may")


def test_tokens_read_a_lone_sign_as_it_is() -> None:
    assert tokens("$ $5 $") == ("$", Number(5, "dollar"), "$")
