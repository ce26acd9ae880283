"""Exact statistics: every request counted once, however it is told of."""

from itertools import count
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biztoken.load.book import Book
from biztoken.load.measure import Latencies, Meter, coarse
from biztoken.load.profile import Stage
from biztoken.load.schedule import Timeline

LINE = Timeline([Stage(10, in_flight=5)])


def finish(meter: Meter, moment: float, outcome: str, us: int) -> None:
    """A request ends and is counted."""
    meter.end(moment)
    meter.count(moment, outcome, us, answered=outcome != "timeout")


@given(st.integers(0, 3_600_000_000))
def test_coarse_is_within_a_tenth_of_a_percent(us):
    """What is sent around instead of a latency is not further off than a histogram is."""
    assert abs(coarse(us) - us) <= us / 1000


def test_percentiles_are_those_of_the_sorted_list():
    """To three digits."""
    rng = Random(1)
    values = sorted(int(rng.expovariate(1 / 50_000)) + 1 for _ in range(20_000))
    found = Latencies()
    found.add([number for value in values for number in (value, 1)])

    for name, share in (("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99)):
        assert found.ms()[name] == pytest.approx(values[int(share * len(values)) - 1] / 1000, rel=0.002)
    assert found.ms()["max"] == values[-1] / 1000


@given(st.lists(st.integers(1, 10_000_000), min_size=1), st.integers(0, 100))
def test_merging_is_exact(values, seed):
    """In whatever portions and order latencies come, the histogram is the same."""
    whole, parts = Latencies(), Latencies()
    whole.add([number for value in values for number in (value, 1)])
    shuffled = Random(seed).sample(values, len(values))
    for value in shuffled:
        parts.add([value, 1])

    assert whole.ms() == parts.ms()
    assert whole.count == parts.count == len(values)


def test_nothing_has_no_percentile():
    """Null, not zero."""
    assert set(Latencies().ms().values()) == {None}


def test_no_percentile_is_above_the_longest():
    """Though a histogram does not tell neighbours apart."""
    found = Latencies()
    found.add([54_505, 1])

    assert max(found.ms().values()) == found.ms()["max"] == 54.505


@given(
    st.lists(st.tuples(st.floats(0, 9), st.floats(0, 3), st.sampled_from(["200", "403 X", "timeout"])), max_size=60),
    st.integers(1, 3),
    st.floats(0.1, 2),
)
def test_every_request_is_accounted_for(requests, workers, step):
    """Sent = answered + failed + in flight, at every report, with any number of workers; and the rows add up to it."""
    names = [str(number) for number in range(workers)]
    book = Book(names, LINE)
    meters = {name: Meter() for name in names}
    events = []
    for number, (begin, length, outcome) in enumerate(requests):
        events.append((begin, 0, number, names[number % workers], outcome))
        events.append((begin + length, 1, number, names[number % workers], outcome))
    told = step
    for moment, is_end, number, name, outcome in sorted(events):
        while told < moment:
            for each, meter in meters.items():
                book.take(each, meter.take(told))
            assert book.sent == book.answered + book.failed + book.in_flight == sum(row["sent"] for row in book.series)
            assert book.answered == sum(row["answered"] for row in book.series)
            told += step
        if is_end:
            finish(meters[name], moment, outcome, number)
        else:
            meters[name].begin(moment)
    for name, meter in meters.items():
        book.take(name, meter.take(max(told, 12.5), all_of_them=True))
        book.finish(name)
    book.close()

    outcomes = [outcome for *_, outcome in requests]
    assert book.sent == len(requests) == sum(row["sent"] for row in book.rows) == sum(r["offered"] for r in book.rows)
    assert book.failed == outcomes.count("timeout") == sum(row["failed"] for row in book.rows)
    assert book.answered == len(requests) - book.failed == sum(row["answered"] for row in book.rows)
    assert dict(book.by_outcome) == {name: outcomes.count(name) for name in set(outcomes)}
    assert [row["t"] for row in book.rows] == list(range(13)) or not requests
    area = sum(length for _, length, _ in requests)
    assert sum(row["in_flight"] for row in book.rows) == pytest.approx(area, abs=0.02)


def test_row_waits_for_every_worker_that_is_there():
    """A second is a row once all have told of it; a lost worker is not waited for, and not heard again."""
    first, second = Meter(), Meter()
    book = Book(["1", "2"], LINE)
    first.begin(0.5)
    second.begin(0.6)
    book.take("1", first.take(3.0))
    assert book.rows == []

    book.take("2", second.take(1.0))
    assert [(row["t"], row["sent"]) for row in book.rows] == [(0, 2)]

    book.lose("2")
    assert [row["t"] for row in book.rows] == [0, 1, 2]
    book.take("2", second.take(3.0))
    assert (book.sent, book.in_flight, book.shares["2"].state) == (2, 2, "lost")


def test_second_under_way_is_told_as_far_as_it_came():
    """What is known of one moment is told together, so that nothing counts here and not there once a worker is lost."""
    meter, book = Meter(), Book(["1"], LINE)
    for begin, end in ((0.9, 1.02), (1.03, 1.2)):
        meter.begin(begin)
        if end < 1.05:
            finish(meter, end, "200", 1000)
    book.take("1", meter.take(1.05))
    assert (book.sent, book.answered, book.in_flight, book.shares["1"].told) == (2, 1, 1, 1)

    book.lose("1")
    assert [(row["t"], row["sent"], row["answered"]) for row in book.rows] == [(0, 1, 0), (1, 1, 1)]


def test_the_last_second_is_told():
    """What ends after the plan, while requests under way are waited for, has its row."""
    meter, book = Meter(), Book(["1"], LINE)
    meter.begin(9.9)
    book.take("1", meter.take(10.05))
    finish(meter, 10.3, "200", 400_000)
    book.take("1", meter.take(10.4, all_of_them=True))
    book.finish("1")

    assert book.rows[-1]["t"] == 10
    assert book.rows[-1]["by_outcome"]["200"]["count"] == 1
    assert book.in_flight == 0


def test_outcomes_have_latencies_of_their_own():
    """A thousand quick refusals do not drag the percentile of the accepted down."""
    meter, book = Meter(), Book(["1"], LINE)
    moments = count()
    for _ in range(1000):
        meter.begin(moment := next(moments) / 1000)
        finish(meter, moment, "403 CONCURRENCY_LIMIT_EXCEEDED", 100)
    meter.begin(1.5)
    finish(meter, 1.9, "200", 400_000)
    book.take("1", meter.take(1.95, all_of_them=True))
    book.finish("1")

    assert book.last_bad == pytest.approx(0.999)
    assert book.percentile("p50") == pytest.approx(400, rel=0.001)
    assert book.rate == pytest.approx(0.5)


def test_silence_lowers_the_rate():
    """Seconds in which the profile asks for requests count, whether or not any was sent in them; a pause does not."""
    meter, book = Meter(), Book(["1"], Timeline([Stage(4, in_flight=5), Stage(4, in_flight=0), Stage(2, in_flight=5)]))
    for number in range(60):
        meter.begin(number / 100)
        finish(meter, number / 100, "200", 100)
    book.take("1", meter.take(10.5, all_of_them=True))
    book.finish("1")

    assert book.rate == pytest.approx(60 / 6)


def test_what_never_ends_is_told_once_a_worker_has_finished():
    """Sent and not answered, due and not sent: of a worker that was lost nobody knows."""
    meters = [Meter() for _ in range(2)]
    book = Book(["1", "2"], LINE)
    for worker, meter in zip(("1", "2"), meters, strict=True):
        for _ in range(3):
            meter.due(0.1)
        meter.begin(0.1, 0)
        book.take(worker, meter.take(10.0, all_of_them=True))
    assert (book.unanswered, book.unsent) == (0, 0)
    book.finish("1")
    book.lose("2")

    assert (book.unanswered, book.unsent) == (1, 2)


def test_late_arrivals_and_lag_are_kept():
    """How late the loop and the arrivals were stands in the row and in the whole."""
    meter, book = Meter(), Book(["1"], LINE)
    meter.begin(0.1, 30_000)
    meter.pulse(0.2, 2_000)
    meter.load(0.0, 0.75)
    book.take("1", meter.take(1.2))

    (row,) = book.rows
    assert (row["late_ms"], row["hub_lag_ms"], row["cpu"]) == (pytest.approx(30, rel=0.001), pytest.approx(2), 0.75)
    assert book.late.ms()["p99"] == pytest.approx(30, rel=0.001)
