"""What only a sequence of requests shows: signs used again, refused requests repeated, an endpoint hammered."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest
from lint_requests import CONTRACT, KYC, NOW, PATH, body_of, form, parts_of, request, sign_of, text_of

from biztoken.lint import lint_sequence
from biztoken.received import Received


def sent(number: int, at: float | None = None, **fields: Any) -> Received:
    """A sound request with a sign of its own."""
    sign = sign_of(text_of(random=f"{number:010d}"))
    return replace(form({**KYC, "sign": sign, **fields}), at=at)


def found(*exchanges: tuple[Received, int | None]) -> list[set[str]]:
    """The ids above advice, for each request."""
    return [{advice.id for advice in told if advice.counts} for told in lint_sequence(exchanges, CONTRACT)]


def test_sound_sequence_is_told_nothing() -> None:
    """Other requests, each with a sign of its own."""
    assert found(*[(sent(number, NOW + number / 10, biz_no=str(number)), 200) for number in range(20)]) == [set()] * 20


@pytest.mark.parametrize("status", [200, 400, None])
def test_sign_used_again_is_told(status: int | None) -> None:
    """Two requests with one sign: the second is told."""
    first, second = sent(1, biz_no="1"), sent(1, biz_no="2")

    assert found((first, status), (second, 200)) == [set(), {"sign-reused"}]


def test_single_use_sign_used_again_breaks() -> None:
    """A sign with expiry time 0 is refused the second time, even after 500."""
    sign = sign_of(text_of(expires=0))
    exchanges = [(form({**KYC, "sign": sign}), 500), (form({**KYC, "sign": sign}), 403)]

    (_, (advice,)) = lint_sequence(exchanges, CONTRACT)

    assert (advice.id, advice.level, advice.clause) == ("sign-reused", "breaks", "SIGN-SINGLE-USE")


def test_repetition_after_500_is_as_documented() -> None:
    """The contract asks for it; the same bytes with a sign that still lasts are sound."""
    same = sent(1)

    assert found((same, 500), (same, 500), (same, 200)) == [set(), set(), set()]


def test_refused_request_sent_again_is_told() -> None:
    """What was refused for what it says will be again, with a new sign, too."""
    assert found((sent(1), 400), (sent(2), 400)) == [set(), {"resent-after-400"}]
    assert found((sent(1), 400), (sent(2, biz_no="corrected"), 200)) == [set(), set()]


def test_without_statuses_a_request_that_breaks_counts_as_refused() -> None:
    """Files tell no answer; what lint says is refused was."""
    assert found((sent(1, sign_version="md5"), None), (sent(2, sign_version="md5"), None))[1] == {"resent-after-400"}
    assert found((sent(1), None), (sent(2), None)) == [set(), set()]


def test_hammering_is_told() -> None:
    """Five tries within a second each; three after 403."""
    told = found(*[(sent(number, NOW + number / 10), 500) for number in range(5)])
    busy = found(*[(sent(number, NOW + number / 10), 403) for number in range(3)])

    assert told == [set()] * 4 + [{"hammering"}]
    assert busy == [set(), set(), {"hammering"}]


def test_pauses_are_no_hammering() -> None:
    """Whoever waits longer each time gives the endpoint room."""
    times = [0, 1.5, 4.5, 10.5, 22.5, 46.5]

    assert found(*[(sent(number, NOW + at), 403) for number, at in enumerate(times)]) == [set()] * 6


def test_many_tries_without_times_are_hammering() -> None:
    """Where no time is known, five of the same are."""
    assert found(*[(sent(number), None) for number in range(5)])[-1] == {"hammering"}


CORRECTED = {
    "form": lambda: request(urlencode({**KYC}).encode(), "application/x-www-form-urlencoded"),
    "json": lambda: request(json.dumps({**KYC}).encode(), "application/json"),
    "path": lambda: form(KYC, target=PATH + "/"),
    "method": lambda: form(KYC, method="PUT"),
    "boundary": lambda: request(body_of(parts_of(KYC)), "multipart/form-data"),
    "sign": lambda: form({**KYC, "sign": KYC["sign"] + "\n"}),
}


@pytest.mark.parametrize("mistake", CORRECTED)
def test_corrected_request_is_another_one(mistake: str) -> None:
    """Whoever mends the form, the way or the sign sends the same fields, and is told nothing for it."""
    assert found((CORRECTED[mistake](), None), (sent(2), None)) == [set(), set()]
    assert found((CORRECTED[mistake](), 400), (sent(2), 200)) == [set(), set()]


def test_what_is_answered_otherwise_than_by_400_is_not_told_to_be() -> None:
    """A path that is not there is 404; without an answer nobody was refused yet."""
    told = lint_sequence([(sent(1, sign_version="md5"), None), (sent(2, sign_version="md5"), None)], CONTRACT)

    assert found((form(KYC, target="/x"), None), (form(KYC, target="/x"), None))[1] == {"sign-reused"}
    assert "would be refused" in next(advice for advice in told[1] if advice.id == "resent-after-400").sent["en"]
