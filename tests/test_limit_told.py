"""What a search comes to is told in one sentence and one exit code; the planner's arithmetic is the textbook's."""

from __future__ import annotations

import pytest

from biztoken.limit.observed import Burst, Conclusion
from biztoken.limit.planner import erlang_b, plan
from biztoken.limit.reasons import none_up_to
from biztoken.limit.session import Options, bound
from biztoken.limit.told import exit_code, keeps, milliseconds, ordinal, planned, sentence
from biztoken.verdicts import Text

FOUND = Conclusion("in-flight", 20, 3, 3, 0.012)
UNTOLD = Conclusion("generator-bound", reason=Text("too fast", "太快"))
BURSTS = [Burst(20, 20, 0)] * 14 + [Burst(20, 19, 1), Burst(21, 20, 1)]


def test_sentence_of_a_limit():
    """Limit, confirmations, recovery and false refusals, in both languages."""
    told = sentence(FOUND, BURSTS, None)

    assert told.en == (
        "limit 20 (20 of 20 admitted 3 times, the 21st refused 3 times), recovery 12 ms, "
        "false refusals below the limit 1 of 300"
    )
    assert told.zh == "并发上限 20（20 个全部被接受 3 次，第 21 个被拒绝 3 次），恢复 12 毫秒，上限以内误拒 1/300"


def test_sentence_names_the_contracted_limit_where_it_is_not_kept():
    """Who reads only the sentence sees the difference."""
    assert sentence(FOUND, BURSTS, 25).en.endswith("; the contracted limit is 25")
    assert "contracted" not in sentence(FOUND, BURSTS, 20).en


def test_sentence_without_a_limit_is_the_reason():
    """No number is told where there is none."""
    assert sentence(UNTOLD, BURSTS, 20) == Text("too fast", "太快")
    assert sentence(None, [], 20).zh == "运行尚未结束。"


@pytest.mark.parametrize(
    ("conclusion", "contracted", "failed", "code"),
    [
        (FOUND, None, False, 0),
        (FOUND, 20, False, 0),
        (FOUND, 25, False, 1),
        (FOUND, None, True, 1),
        (UNTOLD, None, False, 2),
        (UNTOLD, 20, False, 2),
        (UNTOLD, 20, True, 1),
        (Conclusion("none-up-to"), 20, False, 1),
        (Conclusion("none-up-to"), None, False, 2),
        (Conclusion("late-release", 20), None, False, 2),
        (None, 20, False, 3),
        (None, 20, True, 1),
    ],
)
def test_exit_code(conclusion, contracted, failed, code):
    """0 told and as contracted, 1 not so or a clause broken, 2 untold, 3 interrupted."""
    assert exit_code(conclusion, contracted, has_failed=failed) == code


def test_limit_that_cannot_be_told_is_neither_kept_nor_broken():
    """What was not seen is not held against the target."""
    assert keeps(UNTOLD, 20) is None
    assert keeps(FOUND, None) is None
    assert (keeps(FOUND, 20), keeps(FOUND, 21)) == (True, False)


@pytest.mark.parametrize(
    ("number", "told"), [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (21, "21st"), (112, "112th")]
)
def test_ordinal(number, told):
    """As English has them."""
    assert ordinal(number) == told


# The values of the published tables of Erlang B.
@pytest.mark.parametrize(
    ("load", "slots", "share"), [(1, 1, 0.5), (1, 2, 0.2), (10, 10, 0.214582), (4.461, 10, 0.01), (84.06, 100, 0.01)]
)
def test_share_that_meets_a_full_house(load, slots, share):
    """Random arrivals meet a full house as often as Erlang says."""
    assert erlang_b(load, slots) == pytest.approx(share, rel=1e-3)


def test_planner_holds_what_is_needed_against_what_was_found():
    """Forty a second of 200 ms each take eight slots."""
    wide, narrow = plan(40, 0.2, 20), plan(40, 0.2, 5)

    assert (wide.needed, wide.margin) == (pytest.approx(8), pytest.approx(12))
    assert narrow.margin == pytest.approx(-3)
    assert "20 found: enough, margin 12.0" in planned(wide).en
    assert "5 found: not enough, margin -3.0" in planned(narrow).en
    assert "不够用" in planned(narrow).zh


@pytest.mark.parametrize(("found", "enough"), [(7, False), (8, False), (9, True)])
def test_enough_is_when_something_is_left(found, enough):
    """A limit that is taken whole on average is not enough; the sentence and the exit code say so alike."""
    made = plan(40, 0.2, found)

    assert made.enough is enough
    assert ("not enough" in planned(made).en) is not enough
    assert exit_code(FOUND, None, has_failed=False, is_enough=made.enough) == (0 if enough else 1)


@pytest.mark.parametrize(("seconds", "told"), [(0.0001, "<1"), (0.00096, "1"), (0.0124, "12")])
def test_time_is_told_as_it_is_recorded(seconds, told):
    """Page and sentence say the same of one value."""
    assert milliseconds(seconds) == told


@pytest.mark.parametrize(
    ("options", "rate", "most", "told"),
    [
        (Options(), None, 1024, "--max"),
        (Options(most=64), 200, 64, "--max"),
        (Options(most=64), 32.5, 32, "max_rate in the target file"),
        (Options(), None, 500, "limit of open files on this machine"),
    ],
)
def test_what_bounds_a_burst_is_named(options, rate, most, told):
    """Who is to raise something is told what."""
    reason = none_up_to(most, bound(options, rate, most))

    assert reason.en.endswith(f"a greater burst needs a greater {told}.")
    assert "请提高" in reason.zh


def test_planner_without_a_limit_tells_what_is_needed():
    """The need is known all the same."""
    told = planned(plan(40, 0.2, None))

    assert plan(40, 0.2, None).enough is None

    assert "8.0 in flight at the peak" in told.en
