"""What a plan costs is counted from its cases alone, and what it may cost at most follows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from biztoken.cases import Case, all_branches
from biztoken.contract import Contract, load
from biztoken.judge import Expected
from biztoken.pricing import ceiling, expected_requests, requests_by_section
from biztoken.rehearsal import Price, priced, told, without_repeated_bursts
from biztoken.settings import Target
from biztoken.signing import Key, Secret

PROBES = 8
MEGLIVE = {"liveness_type": ("meglive",)}


@pytest.fixture(scope="module")
def contract() -> Contract:
    """The contract."""
    return load()


def target(*roles: str, **fields: Any) -> Target:
    """A target with keys of these roles."""
    keys = {role: Key(role, Secret("secret")) for role in ("active", *roles)}
    return Target("target", "http://127.0.0.1/", keys, **fields)


def case(name: str = "a", family: str = "arguments", **fields: Any) -> Case:
    """A case that sends one request."""
    return Case(name, "UUID-LENGTH", family, Expected("accepted", "UUID-LENGTH"), **fields)


def test_nothing_but_the_preflight_is_counted_without_cases(contract: Contract) -> None:
    """Each combination is asked for once, whatever is planned."""
    assert len(all_branches(contract)) == PROBES
    assert requests_by_section([], contract, target()) == {"controls": PROBES}


def test_control_is_counted_once_for_each_family_branch_and_base(contract: Contract) -> None:
    """Cases share a control where family, branch and what both carry are the same, and only there."""
    cases = [
        case("one", where=MEGLIVE),
        case("same", where=MEGLIVE),
        case("other-branch", where={"liveness_type": ("still",)}),
        case("other-family", "images", where=MEGLIVE),
        case("other-base", where=MEGLIVE, base={"return_faces": "1"}),
    ]

    counted = requests_by_section(cases, contract, target())

    assert counted == {"controls": PROBES + 4, "arguments": 4, "images": 1}


def test_judged_control_costs_no_request_of_its_own(contract: Contract) -> None:
    """A case that judges its control sends nothing else."""
    assert requests_by_section([case(is_control=True)], contract, target()) == {"controls": PROBES + 1}


def test_preflight_is_the_control_of_its_own_family(contract: Contract) -> None:
    """The first requests are not sent again for the cases that judge them."""
    assert expected_requests([case(family="probe", is_control=True)], contract, target()) == PROBES


@pytest.mark.parametrize("needs", ["keys.denied", "another key", "concurrency_limit", "single_use_sign"])
def test_case_without_its_needs_costs_nothing(contract: Contract, needs: str) -> None:
    """A case for which the target file lacks something sends nothing, not even a control."""
    rich = target("denied", concurrency_limit=5, single_use_sign=True)
    cases = [case(needs=(needs,))]

    assert expected_requests(cases, contract, target()) == PROBES
    assert expected_requests(cases, contract, rich) == PROBES + 2


@pytest.mark.parametrize(("values", "sent"), [(("0",), 2), (("1",), 2), ((), 0)])
def test_case_goes_where_the_key_may_go(contract: Contract, values: tuple[str, ...], sent: int) -> None:
    """A case is counted with the first combination that the key may use, and not where there is none."""
    counted = expected_requests([case()], contract, target(permits={"comparison_type": values}))

    assert counted == PROBES // 2 * len(values) + sent


def test_cases_that_move_to_one_branch_share_its_control(contract: Contract) -> None:
    """Where a key's permissions bring two cases together, one control serves both."""
    cases = [case("first", where={"comparison_type": ("1", "0")}), case("second", where={"comparison_type": ("0",)})]

    assert expected_requests(cases, contract, target()) == PROBES + 4
    assert expected_requests(cases, contract, target(permits={"comparison_type": ("0",)})) == PROBES // 2 + 3


def test_case_of_several_requests_counts_by_target(contract: Contract) -> None:
    """What a case sends itself may depend on the target."""
    several = case(requests=lambda known: 2 * (known.concurrency_limit or 0))

    assert expected_requests([several], contract, target()) == PROBES + 1
    assert expected_requests([several], contract, target(concurrency_limit=5)) == PROBES + 1 + 10


# --- at most


@pytest.mark.parametrize("requests", [1, 8, 100, 2000])
@pytest.mark.parametrize("limit", [None, 1, 5, 50])
def test_ceiling_leaves_room_and_no_more(requests: int, limit: int | None) -> None:
    """There is room for five bursts beyond the limit, and for each fourth request to be sent again."""
    most = ceiling(requests, target(concurrency_limit=limit))

    assert most == requests + requests // 4 + 5 * ((limit or 0) + 1)


# --- what a rehearsal recorded


def row(case_: str, role: str = "defect", body: str = "{}", **more: Any) -> dict[str, Any]:
    """A recorded exchange of 100 bytes."""
    return {"case": case_, "role": role, "reply": {"body": body}, "request": {"bytes": 100}, **more}


def test_requests_and_tokens_are_counted_by_section() -> None:
    """Controls are a section of their own; a token is counted where one came; a missing reply holds none."""
    rows = [
        row("control-kyc-still", "control", '{"biz_token": "x"}'),
        row("a", "control", '{"biz_token": "x"}'),
        row("a", body='{"biz_token": "x"}'),
        row("a", body='{"error": "x"}'),
        row("b") | {"reply": None},
    ]

    price = priced(rows, {"a": "arguments", "b": "images"}, 2, 99, None)

    assert price.requests == {"controls": 2, "arguments": 2, "images": 1}
    assert (price.tokens["controls"], price.tokens["arguments"], price.tokens["images"]) == (2, 1, 0)
    assert (price.total, price.sent_bytes, price.cases, price.at_most) == (5, 500, 2, 99)


def bursts(*sizes: int) -> list[dict[str, Any]]:
    """Bursts of these sizes, one after the other."""
    return [row("c", "burst", burst={"number": at}) for at, size in enumerate(sizes, 1) for _ in range(size)]


@pytest.mark.parametrize(
    ("fired", "counted"),
    [((5, 6, 5, 6), 22), ((5, 5, 6), 11), ((5, 6, 6, 6), 11), ((), 0), ((5,), 5), ((5, 5, 5), 5)],
)
def test_bursts_that_were_fired_again_are_not_counted(fired: tuple[int, ...], counted: int) -> None:
    """That this machine was busy says nothing of the target: of bursts of one size in a row one counts."""
    rows = [row("a"), *bursts(*fired), row("c")]

    kept = without_repeated_bursts(rows)

    assert len(kept) == counted + 2
    assert (kept[0], kept[-1]) == (rows[0], rows[-1])


PRICE = Price(12, {"controls": 8, "images": 92}, {"controls": 8, "images": 1}, 2_500_000, 130, None)


def test_time_is_told_by_latency_and_rate() -> None:
    """A hundred requests take a hundred times what one takes, and at a rate no less than it allows."""
    assert PRICE.seconds(0.3) == pytest.approx(30)
    assert replace(PRICE, rate=2.0).seconds(0.3) == pytest.approx(50)
    assert replace(PRICE, rate=10.0).seconds(0.3) == pytest.approx(30)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_price_is_told_whole(lang: str) -> None:
    """The sections, the totals, the most, the upload and the time are told in both languages."""
    text = told(PRICE, lang)

    for what in ("12", "100", "130", "2.5 MB", "10 s", "30 s", "2 min"):
        assert what in text
    rows = {line.split()[0]: line.split()[1:] for line in text.splitlines() if line}
    assert rows["controls"] == ["8", "8"]
    assert rows["images"] == ["92", "1"]
    assert rows["total" if lang == "en" else "合计"] == ["100", "9"]
