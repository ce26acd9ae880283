"""Which of two defects is told: a map that follows from pairs, is seen on a mock, and makes another mock the same."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from conftest import Ahead, Cli, Outcome
from test_e2e_price import served, under

from biztoken.contract import load
from biztoken.errors import UserError
from biztoken.mock.faults import Fault, check
from biztoken.mock.recorded import not_followed, order, read_order
from biztoken.mock.rules import STEPS
from biztoken.model import Reply
from biztoken.precedence import ANSWERS, pair, precedence_map, winner
from biztoken.reading import Reading, read

KINDS = tuple(ANSWERS)


def reading(error: str) -> Reading:
    """What an error is read as."""
    return read(Reply(400, (), json.dumps({"request_id": "1", "time_used": 1, "error": error}).encode()))


# --- who won


TOLD = {
    "sign": ("AUTHENTICATION_ERROR", "AUTHORIZATION_ERROR: INVALID_SIGN"),
    "expired": ("AUTHORIZATION_ERROR: EXPIRED_SIGN",),
    "permission": ("AUTHORIZATION_ERROR: DENIED",),
    "missing": ("MISSING_ARGUMENTS: uuid",),
    "value": ("BAD_ARGUMENTS: biz_no",),
    "picture": ("IMAGE_ERROR_UNSUPPORTED_FORMAT: image_ref1",),
    "face": ("NO_FACE_FOUND: image_ref2",),
}


@pytest.mark.parametrize("pair_", [*combinations(KINDS, 2)], ids="-".join)
def test_winner_is_the_defect_that_is_told(pair_: tuple[str, str]) -> None:
    """Of two defects that won whose error came, in whichever of its words and whatever the order of the two."""
    for kind in pair_:
        for told in TOLD[kind]:
            assert winner(*pair_, reading(told)) == winner(*pair_[::-1], reading(told)) == kind


@pytest.mark.parametrize("told", ["MISSING_ARGUMENTS: sign", "BAD_ARGUMENTS: uuid", "NO_FACE_FOUND: image_ref1", "x"])
def test_another_error_is_neither(told: str) -> None:
    """The error of another parameter, or one that nobody knows, is not the winner's."""
    for pair_ in combinations(KINDS, 2):
        assert winner(*pair_, reading(told)) == "other"


def test_kind_outside_the_pair_does_not_win() -> None:
    """Only the two defects that were sent may win."""
    assert winner("missing", "value", reading("AUTHENTICATION_ERROR")) == "other"


# --- the map


def pairs_of(kinds: Sequence[str]) -> list[dict[str, Any]]:
    """All pairs of kinds, in each of which the earlier kind is told."""
    return [pair(first, second, [first, first]) for first, second in combinations(kinds, 2)]


def test_order_follows_from_its_pairs() -> None:
    """Pairs that agree give layers of one kind each, in their order."""
    assert precedence_map(pairs_of(KINDS))["layers"] == [[kind] for kind in KINDS]


def test_pair_turned_round_is_the_same_pair() -> None:
    """Which of two is called the first is of no matter."""
    turned = [pair(entry["second"], entry["first"], entry["seen"]) for entry in pairs_of(KINDS)]

    assert precedence_map(turned)["layers"] == [[kind] for kind in KINDS]


def test_kinds_of_which_nothing_is_known_share_a_layer() -> None:
    """Where no pair says which of two is earlier, they stand together."""
    entries = [pair("a", "c", ["a", "a"]), pair("b", "c", ["b", "b"]), pair("a", "b", ["other", "other"])]

    assert precedence_map(entries)["layers"] == [["a", "b"], ["c"]]


def test_contradiction_gives_no_order() -> None:
    """Pairs that go round in a circle have no order; they are told as they are."""
    entries = [pair("a", "b", ["a"]), pair("b", "c", ["b"]), pair("a", "c", ["c"])]

    found = precedence_map(entries)

    assert found["layers"] is None
    assert found["pairs"] == entries


def test_pair_that_is_not_always_the_same_is_told() -> None:
    """A pair whose answers differ has no winner, is named, and orders nothing."""
    entries = [pair("a", "b", ["a", "b"]), pair("b", "c", ["b", "b"])]

    found = precedence_map(entries)

    assert found["pairs"][0]["winner"] is None
    assert found["nondeterministic"] == [["a", "b"]]
    assert found["layers"] == [["a", "b"], ["c"]]


def test_no_reply_wins_nothing() -> None:
    """A request without a reply says nothing of the order."""
    found = precedence_map([pair("a", "b", ["no reply", "no reply"])])

    assert found["layers"] == [["a", "b"]]


# --- the mock's order from a map


def test_mock_keeps_every_step_in_the_order_of_the_layers() -> None:
    """The mock's steps follow the map; what no pair shows of them has its place, each once."""
    steps = order([["face", "picture"], ["value"], ["missing"], ["permission"], ["expired"], ["sign"]])

    assert sorted(steps) == sorted((*STEPS, "expired"))
    assert [step for step in steps if step != "slot"] == [
        *("pictures", "values", "missing", "permission", "expired", "sign")
    ]


def test_mock_with_its_own_map_keeps_its_order() -> None:
    """The map of a mock without faults makes a mock without faults."""
    layers = [["sign"], ["expired"], ["permission"], ["missing"], ["value"], ["picture"], ["face"]]

    steps = [step for step in order(layers) if step != "slot"]

    assert steps == [step for step in STEPS if step != "slot"]


def test_parts_that_do_not_follow_their_whole_are_steps_of_their_own() -> None:
    """An expired sign and a missing face are told apart from sign and picture only where the map wants it."""
    apart = order([["face"], ["sign"], ["missing"], ["expired"], ["picture"], ["value"], ["permission"]])
    together = order([["missing"], ["picture"], ["face"], ["sign"], ["expired"], ["value"], ["permission"]])

    assert [step for step in apart if step != "slot"] == [
        *("faces", "sign", "missing", "expired", "pictures", "values", "permission")
    ]
    assert sorted(together) == sorted(STEPS)
    for steps in (apart, together):
        check(Fault("precedence", {"order": steps}), load())


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_pairs_that_no_order_can_follow_are_told(tmp_path: Path, lang: str) -> None:
    """What was told by chance, or was neither of the two, is named; what the mock follows is not."""
    entries = [pair("sign", "value", ["sign", "value"]), pair("missing", "face", ["other", "other"])]
    (tmp_path / "result.json").write_text(
        json.dumps({"precedence": precedence_map([*entries, pair("sign", "face", ["sign", "sign"])])}), "utf-8"
    )
    told = {
        "en": "not followed: sign and value (told: sign or value); missing and face (told: other)",
        "zh": "不能仿照的各对：sign 与 value（得到 sign、value）；missing 与 face（得到 other）",
    }

    assert not_followed(tmp_path, lang) == told[lang]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "holds no precedence map"),
        ("{", "holds no precedence map"),
        ('{"precedence": null}', "holds no precedence map"),
        ('{"precedence": {"layers": null}}', "contradict one another"),
    ],
)
def test_run_without_an_order_is_refused(tmp_path: Path, text: str | None, told: str) -> None:
    """A run that recorded no map, or one without an order, is the user's mistake, told in a sentence."""
    if text is not None:
        (tmp_path / "result.json").write_text(text, "utf-8")

    with pytest.raises(UserError, match=told):
        read_order(tmp_path)


# --- on mocks


DOCUMENTED = ["sign", "expired", "permission", "missing", "value", "picture", "face"]
ORDERS: Mapping[str, Sequence[str]] = {
    "plain": DOCUMENTED,
    "arguments-first": ["missing", "value", "sign", "expired", "permission", "picture", "face"],
    "values-before-missing": ["sign", "expired", "permission", "value", "missing", "picture", "face"],
    "pictures-before-arguments": ["sign", "expired", "permission", "picture", "face", "missing", "value"],
    "permission-last": ["sign", "expired", "missing", "value", "picture", "face", "permission"],
}
CHANCE = {"id": "chance", "when": {"error": "MISSING_ARGUMENTS", "every": 2}, "change": {"error": "BAD_ARGUMENTS"}}
CHANCE["change"] |= {"detail": "biz_no"}


@dataclass(frozen=True, slots=True)
class Followed:
    """A run on a mock, and the same on one that follows the map of the first."""

    run: Outcome
    after: Outcome | None


@pytest.fixture(scope="module")
def runs(ahead: Ahead, cli: Cli) -> Any:
    """The runs on each mock."""
    with served(cli, "--rack") as url:
        yield ahead(lambda name: play(cli, url, name))


def play(cli: Cli, url: str, name: str) -> Followed:
    """Explore the mock of that name, and then one that follows what was found."""
    if name == "by chance":
        with cli.mock([CHANCE]) as own:
            return Followed(explore(cli, own), None)
    if name == "without the key":
        return Followed(explore(cli, url, "active"), None)
    run = explore(cli, url if name == "plain" else under(url, name))
    with served(cli, "--precedence", run.directory) as own:
        return Followed(run, explore(cli, own))


def explore(cli: Cli, url: str, *keys: str) -> Outcome:
    """Send every pair."""
    return cli.check("--target", cli.target(url, keys=keys or ("active", "denied")), "--select", "PRECEDENCE")


@pytest.fixture
def run(request: pytest.FixtureRequest, runs: Callable[[str], Followed]) -> Followed:
    """The runs that the test names."""
    return runs(request.param)


@pytest.mark.parametrize(("run", "kinds"), ORDERS.items(), indirect=["run"], ids=list(ORDERS))
def test_order_of_a_mock_is_found(run: Followed, kinds: Sequence[str]) -> None:
    """The layers of a run are the order in which the mock checks; nothing of it is judged."""
    found = run.run.result["precedence"]

    assert found["layers"] == [[kind] for kind in kinds]
    assert found["nondeterministic"] == []
    assert len(found["pairs"]) == len(list(combinations(kinds, 2)))
    assert run.run.code == 0, run.run.out + run.run.err
    assert run.run.verdicts["PRECEDENCE"] == "OBSERVED"
    assert len(run.run.clause("PRECEDENCE")["observations"]) >= len(found["pairs"])


@pytest.mark.parametrize("run", ORDERS, indirect=True)
def test_mock_that_follows_a_map_yields_it_again(run: Followed) -> None:
    """A mock that was given the map of a run is mapped as that run's target was, pair by pair."""
    assert run.after is not None
    assert run.after.result["precedence"] == run.run.result["precedence"]


FOREIGN = ("permission", "face", "missing", "expired", "picture", "value", "sign")


def test_any_map_is_followed_pair_by_pair(cli: Cli, tmp_path: Path) -> None:
    """A map such as no order of whole steps gives, a denied key told before its sign is checked, is followed too."""
    found = precedence_map(pairs_of(FOREIGN))
    (tmp_path / "result.json").write_text(json.dumps({"precedence": found}), "utf-8")

    with served(cli, "--precedence", tmp_path) as url:
        run = explore(cli, url, "active", "denied")

    assert run.result["precedence"]["layers"] == [[kind] for kind in FOREIGN]


@pytest.mark.parametrize("run", ["by chance"], indirect=True)
def test_order_that_changes_is_told(run: Followed) -> None:
    """Where the answer to a pair is not always the same, the pair is named and has no winner."""
    found = run.run.result["precedence"]

    assert ["missing", "value"] in found["nondeterministic"]
    seen = next(each["seen"] for each in found["pairs"] if (each["first"], each["second"]) == ("missing", "value"))
    assert set(seen) == {"missing", "value"}
    assert f"missing and value: {' or '.join(seen)}" in run.run.clause("PRECEDENCE")["observations"]


@pytest.mark.parametrize("run", ["without the key"], indirect=True)
def test_pairs_of_a_key_need_the_key(run: Followed) -> None:
    """Without a key that may not call the API its pairs are left out, and the others are mapped."""
    found = run.run.result["precedence"]

    assert found["layers"] == [[kind] for kind in DOCUMENTED if kind != "permission"]
    assert run.run.case("precedence-of-key")["verdict"] == "UNTESTABLE"


def test_run_without_the_pairs_has_no_map(cli: Cli, plain_mock: str) -> None:
    """A plan without the pairs leaves the map empty, and a mock cannot follow it."""
    run = cli.check("--target", cli.target(plain_mock), "--plan", "quick", "--select", "SIGN-KEY")

    mock = cli.run("mock", "--port", "0", "--precedence", run.directory)

    assert run.result["precedence"] is None
    assert mock.code == 2
    assert "holds no precedence map" in mock.err
