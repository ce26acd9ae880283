"""Profiles of load: what may stand in them, and what a mistake in one is told as."""

import copy
from collections import Counter
from dataclasses import dataclass, field

import pytest
import yaml

from biztoken.contract import load as load_contract
from biztoken.errors import UserError
from biztoken.load import conditions, profile
from biztoken.load.conditions import ENOUGH, STEADY, Condition, Limit, is_outcome, names_of, parse_limit

NAMES = names_of(load_contract())
GOOD = {
    "name": "own",
    "question": {"en": "What?", "zh": "什么？"},
    "model": "closed",
    "stages": [{"seconds": 2, "in_flight": 4}, {"seconds": 6, "in_flight": 8}],
    "passing": {"requests_min": 1},
}


@dataclass
class Seen:
    """Numbers of a run, typed by hand."""

    by_outcome: Counter = field(default_factory=Counter)
    violations: int = 0
    unanswered: int = 0
    unsent: int = 0
    asked_s: int = 60
    rate: float = 0.0
    p95: float | None = None

    @property
    def ended(self) -> int:
        return self.by_outcome.total()

    def percentile(self, name: str) -> float | None:
        return self.p95


def parse(text: str, where: str) -> Condition:
    """A condition on what a target of our contract may tell."""
    return conditions.parse(text, where, NAMES)


def changed(**changes):
    """The good profile with some keys changed; None takes a key away."""
    data = copy.deepcopy(GOOD) | changes
    return {key: value for key, value in data.items() if value is not None}


@pytest.mark.parametrize("name", profile.names())
def test_every_profile_that_is_shipped_is_sound(name):
    """Each is read without complaint, says its own name, its question in two languages, and when to stop."""
    found = profile.read(name)

    assert found.name == name
    assert found.question.en != found.question.zh
    assert found.stop_when
    assert "violations" in [condition.metric for condition in found.passing]


def test_the_profiles_are_the_six_questions():
    """Nothing that the documents name is missing."""
    assert profile.names() == ["arrivals", "smoke", "soak", "spike", "steady", "steps"]


@pytest.mark.parametrize("name", profile.names())
def test_a_worker_gets_the_same_profile(name):
    """What is sent to a worker makes the profile that it was made of."""
    found = profile.read(name)

    assert profile.make(found.as_data(), "sent").as_data() == found.as_data()


MISTAKES = {
    "unknown key": (changed(stage=1), "stage", "did you mean stages?"),
    "unknown key of a stage": (changed(stages=[{"seconds": 1, "in_fligth": 1}]), "stages.0.in_fligth", "in_flight?"),
    "no name": (changed(name=None), "name", "add it"),
    "no question in Chinese": (changed(question={"en": "What?"}), "question.zh", "add it"),
    "another model": (changed(model="ajar"), "model", "one of closed, open"),
    "stages that are none": (changed(stages=[]), "stages", "a list with something in it"),
    "a rate in the closed model": (changed(stages=[{"seconds": 1, "rate": 5}]), "stage 1", "states in_flight"),
    "no rate in the open model": (changed(model="open"), "stage 1", "states rate"),
    "stages that send nothing": (changed(stages=[{"seconds": 1, "in_flight": 0}]), "stages", "raise a level"),
    "half a second": (changed(stages=[{"seconds": 0.5, "in_flight": 1}]), "stages.0.seconds", "a whole number from 1"),
    "weights of nothing": (changed(mix={"kyc": 0}), "mix", "raise one"),
    "another kind": (changed(mix={"video": 1}), "mix.video", "known here: kyc"),
    "no requests": (changed(passing={}), "passing.requests_min", "add it"),
    "a percentile without a unit": (changed(passing={"requests_min": 1, "p95": 5}), "passing.p95", "500 ms"),
    "a rate with a unit": (changed(passing={"requests_min": 1, "rate": "5 %"}), "passing.rate", "a plain number"),
    "no outcome": (changed(passing={"requests_min": 1, "failures": {"!": 0}}), "failures.!", "no request can end as !"),
    "a slip in a failure": (
        changed(passing={"requests_min": 1, "failures": {"othres": 0}}),
        "passing.failures.othres",
        "did you mean others?",
    ),
    "a slip in an error": (
        changed(passing={"requests_min": 1, "failures": {"403 CONCURENCY_LIMIT_EXCEEDED": 0}}),
        "failures.403 CONCURENCY_LIMIT_EXCEEDED",
        "did you mean CONCURRENCY_LIMIT_EXCEEDED?",
    ),
    "a slip in a metric": (changed(stop_when=["voilations > 0"]), "voilations > 0", "did you mean violations?"),
    "a reason without a reply beside a status": (changed(stop_when=["403 timeout > 0"]), "403 timeout", "no request"),
    "a weight without end": (changed(mix={"kyc": float("inf")}), "mix.kyc", "finite"),
    "a pause without end": (changed(back_off=float("inf")), "back_off", "finite"),
    "a rate that is no number": (
        changed(model="open", stages=[{"seconds": 1, "rate": float("nan")}]),
        "rate",
        "finite",
    ),
    "steps of arrivals": (
        changed(model="open", stages=[{"seconds": 1, "rate": 5}], analysis="steps"),
        "analysis",
        "model: closed",
    ),
    "arrivals of the closed model": (changed(arrivals="poisson"), "arrivals", "model: open"),
    "no condition": (changed(stop_when=["errors"]), "stop_when: errors", "such as violations > 0"),
    "a list": ([], "own.yaml", "a mapping"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistake_in_a_profile_is_one_sentence(mistake, tmp_path):
    """It names the file and the key as the user wrote it, and says what to do, in both languages."""
    data, where, hint = MISTAKES[mistake]
    path = tmp_path / "own.yaml"
    path.write_text(yaml.safe_dump(data, allow_unicode=True), "utf-8")

    with pytest.raises(UserError) as told:
        profile.read(str(path))

    assert "own.yaml" in told.value.what
    assert where in told.value.what
    assert hint in told.value.hint
    assert "\n" not in told.value.told("zh")
    assert told.value.zh


def test_profile_that_is_not_there_is_told_with_what_is():
    """A slip in a name is answered with the name that was meant."""
    with pytest.raises(UserError, match="did you mean steady"):
        profile.read("stedy")


def test_scaling_keeps_the_shape():
    """Another peak and another length change every stage in proportion."""
    found = profile.make(GOOD, "own").scaled(in_flight=4, seconds=16)

    assert [(stage.seconds, stage.in_flight) for stage in found.stages] == [(4, 2), (12, 4)]


def test_scaling_by_the_other_model_is_a_mistake():
    """A rate says nothing to a profile of requests in flight."""
    with pytest.raises(UserError, match="--rate 5: the profile own has the closed model; give --users"):
        profile.make(GOOD, "own").scaled(rate=5)


@pytest.mark.parametrize(
    ("option", "value"),
    [("in_flight", 20_000), ("rate", float("nan")), ("rate", 200_000.0), ("seconds", 1e8), ("seconds", float("inf"))],
)
def test_scaling_beyond_what_a_profile_may_say_is_a_mistake(option, value):
    """It is told with the option's name, before anything is started."""
    name = {"in_flight": "--users"}.get(option, f"--{option}")

    with pytest.raises(UserError, match=f"^{name} "):
        profile.read("arrivals" if option == "rate" else "steady").scaled(**{option: value})


def test_less_load_asks_for_fewer_requests():
    """A shorter or lower load can reach what it must; a longer or higher one need not reach more."""
    found = profile.read("arrivals")

    assert found.requests_min == 300
    assert found.scaled(seconds=12).requests_min == found.scaled(rate=8).requests_min == 120
    assert found.scaled(seconds=60).requests_min == 300
    assert found.scaled(seconds=12).as_data()["passing"]["requests_min"] == 120


# --- conditions


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("violations > 0", Condition("violations", ">", Limit(0.0))),
        ("5xx > 5 %", Condition("5xx", ">", Limit(5.0, "%"))),
        ("5xx>5%", Condition("5xx", ">", Limit(5.0, "%"))),
        ("p95 > 2 s", Condition("p95", ">", Limit(2000.0, "ms"))),
        ("p99 >= 1.5ms", Condition("p99", ">=", Limit(1.5, "ms"))),
        ("rate < 3", Condition("rate", "<", Limit(3.0))),
        ("403 CONCURRENCY_LIMIT_EXCEEDED <= 1 %", Condition("403 CONCURRENCY_LIMIT_EXCEEDED", "<=", Limit(1.0, "%"))),
        ("timeout > 3", Condition("timeout", ">", Limit(3.0))),
        ("unanswered > 3", Condition("unanswered", ">", Limit(3.0))),
        ("LIMIT_REACHED > 3", Condition("LIMIT_REACHED", ">", Limit(3.0))),
        ("403 unknown error > 3", Condition("403 unknown error", ">", Limit(3.0))),
        ("200 unreadable > 3", Condition("200 unreadable", ">", Limit(3.0))),
    ],
)
def test_condition_is_read(text, condition):
    """The grammar: a metric, a comparison, a number, a unit; and it is told as it is read."""
    assert parse(text, "here") == condition
    assert parse(str(condition), "here") == condition


@pytest.mark.parametrize(
    "text", ["", "violations", "violations = 0", "> 0", "5xx > many", "p95 > 5 %", "5xx > 5 ms", "Oops > 1"]
)
def test_what_is_no_condition_is_a_mistake(text):
    """No text is taken for a condition that it may not be."""
    with pytest.raises(UserError):
        parse(text, "here")


@pytest.mark.parametrize(
    ("metric", "outcome", "is_one"),
    [
        ("5xx", "503", True),
        ("5xx", "500 INTERNAL_ERROR", True),
        ("5xx", "403 CONCURRENCY_LIMIT_EXCEEDED", False),
        ("5xx", "timeout", False),
        ("403", "403 CONCURRENCY_LIMIT_EXCEEDED", True),
        ("CONCURRENCY_LIMIT_EXCEEDED", "403 CONCURRENCY_LIMIT_EXCEEDED", True),
        ("AUTHORIZATION_ERROR", "403 AUTHORIZATION_ERROR: LIMIT_REACHED", True),
        ("403 AUTHORIZATION_ERROR: LIMIT_REACHED", "403 AUTHORIZATION_ERROR: LIMIT_REACHED", True),
        ("LOW_QUALITY", "400 BAD_ARGUMENTS", False),
        ("timeout", "timeout", True),
    ],
)
def test_metric_names_outcomes(metric, outcome, is_one):
    """A class, a status, an error, a whole outcome, a reason without a reply."""
    assert is_outcome(metric, outcome) is is_one


def test_condition_counts_what_it_names():
    """A share is of the requests that ended, a number of none."""
    seen = Seen(Counter({"200": 90, "500": 6, "503": 4}), violations=2, p95=12.0)

    assert parse("5xx > 9 %", "here").seen(seen) == 10.0
    assert parse("5xx > 9 %", "here").holds(seen) is True
    assert parse("5xx > 10 %", "here").holds(seen) is False
    assert parse("violations > 1", "here").stops(seen)
    assert parse("p95 > 10 ms", "here").stops(seen)


def test_share_of_a_few_stops_nothing():
    """One failure among the first requests is no reason to end a run; a count is."""
    few, enough = Seen(Counter({"500": ENOUGH - 1})), Seen(Counter({"500": ENOUGH}))

    assert not parse("5xx > 5 %", "here").stops(few)
    assert parse("5xx > 5 %", "here").stops(enough)
    assert parse("5xx > 5", "here").stops(few)


def test_few_requests_or_seconds_stop_nothing():
    """A percentile of a handful, and a rate or a count that is low because the run has just begun, say nothing yet."""
    few = Seen(Counter({"200": ENOUGH - 1}), p95=5000.0, asked_s=STEADY - 1)
    enough = Seen(Counter({"200": ENOUGH}), p95=5000.0, asked_s=STEADY)

    for text in ("p95 > 2 s", "rate < 5", "violations < 1"):
        assert not parse(text, "here").stops(few)
        assert parse(text, "here").stops(enough)


def test_requests_without_an_end_are_counted():
    """What nobody answered and what was never sent are failures without a reply, and part of the whole."""
    seen = Seen(Counter({"200": 80, "timeout": 5}), unanswered=10, unsent=5)

    assert [parse(f"{name} > 0", "here").seen(seen) for name in ("failed", "unanswered", "unsent", "timeout")] == [
        *(20.0, 10.0, 5.0, 5.0)
    ]
    assert parse("unanswered > 5 %", "here").seen(seen) == 10.0


def test_condition_on_nothing_is_unknown():
    """Where nothing was accepted there is no percentile, and where nothing ended no share."""
    assert parse("p95 > 1 s", "here").holds(Seen()) is None
    assert parse("5xx > 5 %", "here").holds(Seen()) is None
    assert not parse("p95 > 1 s", "here").stops(Seen())


def test_limit_beside_a_name():
    """In a profile the metric stands before the colon."""
    assert parse_limit("2 s", "p95", "here") == Limit(2000.0, "ms")
    assert parse_limit(0, "violations", "here") == Limit(0.0)
