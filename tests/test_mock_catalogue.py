"""The catalogue: a fault for whatever can be broken, a variation for what is open, each served under its name."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import yaml
from mock_service import COMPARE, FACE, KYC, RAW, Service, body, encoded, portrait, running, sign

from biztoken.contract import load
from biztoken.errors import UserError
from biztoken.mock.catalogue import catalogue, listing, split
from biztoken.mock.gallery import Gallery
from biztoken.mock.keys import DEMO_FILE
from biztoken.model import Level

CONTRACT = load()
KNOWN = catalogue(CONTRACT)
JUDGED = [clause for clause in CONTRACT.clauses.values() if clause.is_judged and clause.level is not Level.OBSERVE]
BLURRED = encoded(portrait(blur=3))
Ask = Callable[..., requests.Response]


def test_is_as_large_as_promised() -> None:
    """150 faults and 20 variations are the least."""
    assert len(KNOWN.faults) >= 150
    assert len(KNOWN.variations) >= 20


@pytest.mark.parametrize("clause", JUDGED, ids=lambda clause: clause.id)
def test_every_clause_has_a_fault(clause: Any) -> None:
    """Whatever can be broken from outside is broken by some fault."""
    assert any(fault.clause == clause.id for fault in KNOWN.faults.values())


def test_every_fault_breaks_a_clause_that_is_judged() -> None:
    """A fault names a clause that a run can find broken."""
    judged = {clause.id for clause in JUDGED}

    assert not [fault.id for fault in KNOWN.faults.values() if fault.clause not in judged]


def test_both_directions_of_every_bound() -> None:
    """For each range one value too many is accepted and one too few refused, at either end; so for each length."""
    for parameter in CONTRACT.parameters.values():
        slug = parameter.name.replace("_", "-")
        if parameter.minimum is not None and parameter.maximum is not None:
            below = str(parameter.minimum - 1).replace("-", "minus-")
            ends = (f"{below}-accepted", f"{parameter.minimum}-refused", f"{parameter.maximum}-refused")
            assert {f"{slug}-{end}" for end in (*ends, f"{parameter.maximum + 1}-accepted")} <= KNOWN.faults.keys()
        if parameter.max_bytes is not None:
            bounds = (f"{parameter.max_bytes}-bytes-refused", f"{parameter.max_bytes + 1}-bytes-accepted")
            assert {f"{slug}-{bound}" for bound in bounds} <= KNOWN.faults.keys()


def test_every_row_of_the_table_is_spoilt() -> None:
    """Each error that can be provoked comes with a wrong status, a wrong name and as HTML."""
    for row in CONTRACT.errors.values():
        clause = CONTRACT.clauses.get(CONTRACT.clause_id(row.name, "status"))
        if clause is None or not clause.is_judged or row.body == "text":
            continue
        slug = row.name.lower().replace("_", "-")
        made = [name.removeprefix(f"{slug}-") for name in KNOWN.faults if name.startswith(f"{slug}-")]
        assert {"renamed", "as-html"} < set(made), row.name
        assert any(name.startswith("status-") for name in made), row.name


def test_variations_use_freedoms() -> None:
    """A variation names the clause that leaves it open, and may break none but SHOULD clauses."""
    for variation in KNOWN.variations.values():
        assert variation.freedom in CONTRACT.clauses, variation.id
        assert {CONTRACT.clauses[clause].level for clause in variation.warns} <= {Level.SHOULD}, variation.id
        assert variation.faults, variation.id


def test_names_are_parts_of_a_path() -> None:
    """A name stands in a path as it is, and can be joined to others."""
    for name in (*KNOWN.faults, *KNOWN.variations):
        assert re.fullmatch(r"[A-Za-z0-9_-]+", name)


def test_is_told_in_two_languages() -> None:
    """The listing has a line for each entry, in either language."""
    for entries in (KNOWN.faults, KNOWN.variations):
        chinese = listing(entries, "zh").splitlines()
        assert len(chinese) == len(listing(entries, "en").splitlines()) == len(entries)
        assert all(re.search("[\u4e00-\u9fff]", line) for line in chinese)


def test_unknown_name_is_told_with_the_nearest() -> None:
    """A name that is misspelt is answered with the one that was meant."""
    with pytest.raises(UserError, match="sign-expired-accepted"):
        KNOWN.arm(["sign-expire-accepted"])


# --- served side by side


@pytest.fixture(scope="module")
def rack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """All entries behind one port. The active key grants one request at once."""
    path = tmp_path_factory.mktemp("rack") / "keys.yaml"
    keys = yaml.safe_load(DEMO_FILE.read_text("utf-8"))
    keys["keys"][0]["concurrency"] = 1
    path.write_text(yaml.safe_dump(keys), "utf-8")
    with running(rack=True, keys=path) as service:
        yield service


@pytest.fixture
def ask(rack: Service) -> Ask:
    """Sends a form to the mock of a name."""

    def ask(name: str, fields: dict[str, Any], **more: Any) -> requests.Response:
        parts = urlsplit(rack.url)
        url = f"{parts.scheme}://{parts.netloc}/{name}{parts.path}" if name else rack.url
        if not more:
            boundary = "----------------------------6c0b3f2a9d7e"
            more = {
                "data": body(fields),
                "headers": {"Content-Type": f"multipart/form-data; boundary={boundary}"},
            }
        return requests.post(url, timeout=30, **more)

    return ask


def told(reply: requests.Response) -> tuple[int, str | None]:
    """(status, error) of a reply."""
    return reply.status_code, reply.json().get("error")


OVER = RAW | {"image": FACE, "face_quality_threshold": "101"}
BAD_SIGN = sign(secret="wrong")
NAMELESS = KYC | {"idcard_name": None}
CASES: list[tuple[str, dict[str, Any], tuple[int, str | None]]] = [
    ("", KYC, (200, None)),
    ("", NAMELESS | {"sign": BAD_SIGN}, (403, "AUTHENTICATION_ERROR")),
    ("arguments-first", NAMELESS | {"sign": BAD_SIGN}, (400, "MISSING_ARGUMENTS: idcard_name")),
    ("arguments-first", KYC | {"sign": BAD_SIGN}, (403, "AUTHENTICATION_ERROR")),
    ("", NAMELESS | {"verbose": "9"}, (400, "MISSING_ARGUMENTS: idcard_name")),
    ("values-before-missing", NAMELESS | {"verbose": "9"}, (400, "BAD_ARGUMENTS: verbose")),
    ("permission-last", NAMELESS | {"sign": sign("denied")}, (400, "MISSING_ARGUMENTS: idcard_name")),
    ("permission-last", KYC | {"sign": sign("denied")}, (403, "AUTHORIZATION_ERROR: DENIED")),
    ("colon-alone", NAMELESS, (400, "MISSING_ARGUMENTS:idcard_name")),
    ("image-size-glued+colon-alone", NAMELESS, (400, "MISSING_ARGUMENTS:idcard_name")),
    ("unknown-fields-refused", KYC | {"filler": "x"}, (400, "BAD_ARGUMENTS: request")),
    ("", KYC | {"filler": "x"}, (200, None)),
    ("empty-as-bad", KYC | {"idcard_name": ""}, (400, "BAD_ARGUMENTS: idcard_name")),
    ("concurrency-one-less", KYC, (403, "CONCURRENCY_LIMIT_EXCEEDED")),
    ("concurrency-one-more", KYC, (200, None)),
    ("image-ref1-quality-judged", COMPARE | {"image_ref1": BLURRED}, (400, "LOW_QUALITY")),
    ("image-ref1-quality-judged", COMPARE | {"image_ref1": FACE}, (200, None)),
    ("sign-other-secret-accepted", KYC | {"sign": sign(secret="demo-secret-of-denied")}, (200, None)),
    ("sign-other-secret-accepted", KYC | {"sign": BAD_SIGN}, (403, "AUTHENTICATION_ERROR")),
    ("sign-digest-unchecked", KYC | {"sign": BAD_SIGN}, (200, None)),
    ("turned-image-found", RAW | {"image": encoded(portrait(turn=90))}, (200, None)),
    ("", RAW | {"image": encoded(portrait(turn=90))}, (400, "NO_FACE_FOUND:image")),
    ("pictures-before-arguments", OVER, (400, "BAD_ARGUMENTS: face_quality_threshold")),
    ("no-such-name", KYC, (404, "API_NOT_FOUND")),
]  # fmt: skip


@pytest.mark.parametrize(("name", "fields", "expected"), CASES)
def test_entry_behaves_as_it_says(
    ask: Ask, name: str, fields: dict[str, Any], expected: tuple[int, str | None]
) -> None:
    """Each name is a mock of its own with that one difference; without a name there is none."""
    assert told(ask(name, fields)) == expected


def test_mocks_of_a_rack_remember_apart(ask: Ask) -> None:
    """A sign that was used with one name is new to another."""
    once = KYC | {"sign": sign(expires=0)}

    assert [told(ask(name, once))[0] for name in ("json-indented", "json-indented", "chunked")] == [200, 403, 200]


def test_clock_skew_is_granted_where_told(ask: Ask) -> None:
    """A sign that is over for a minute is honoured with `skew`, and only with it."""
    now = int(time.time())
    late = KYC | {"sign": sign(made=now - 3600, expires=now - 60)}

    assert told(ask("clock-skew", late)) == (200, None)
    assert told(ask("", late)) == (403, "AUTHORIZATION_ERROR: EXPIRED_SIGN")


def test_every_sign_may_work_once(ask: Ask) -> None:
    """With `single_use: every` a sign with an expiry time is refused the second time."""
    form = KYC | {"sign": sign()}

    assert [told(ask("every-sign-once", form))[0] for _ in range(2)] == [200, 403]
    assert [told(ask("", form))[0] for _ in range(2)] == [200, 200]


def test_urlencoded_body_is_read_where_told(ask: Ask) -> None:
    """Only with `urlencoded` is a form without multipart read."""
    form = KYC | {"sign": sign()}

    assert told(ask("urlencoded-read", {}, data=form)) == (200, None)
    assert told(ask("", {}, data=form))[0] == 400


def test_last_duplicate_counts_where_told(ask: Ask) -> None:
    """With `duplicates: last` the second of two fields wins, without it the first."""
    twice = [(name, (None, value)) for name, value in (KYC | {"sign": sign(), "verbose": "1"}).items()]
    twice.append(("verbose", (None, "9")))

    assert told(ask("last-duplicate-counts", {}, files=twice)) == (400, "BAD_ARGUMENTS: verbose")
    assert told(ask("", {}, files=twice)) == (200, None)


def test_layout_says_the_same(ask: Ask) -> None:
    """Another order, an indentation or chunks change no field."""
    plain = ask("", KYC).json().keys()

    reversed_, indented, chunked = (ask(name, KYC) for name in ("fields-in-other-order", "json-indented", "chunked"))

    assert reversed_.json().keys() == indented.json().keys() == chunked.json().keys() == plain
    assert list(reversed_.json()) == list(plain)[::-1]
    assert indented.text.count("\n") > 2
    assert "content-length" not in chunked.headers


def test_values_that_stand_for_others(ask: Ask) -> None:
    """`{unique}` is new each time, `{previous}` what was told last."""
    fresh = [ask("request-id-of-other-shape", KYC).json()["request_id"] for _ in range(2)]
    tokens = [ask("biz-token-repeated", KYC).json()["biz_token"] for _ in range(8)]

    assert fresh[0] != fresh[1]
    assert "{" not in "".join(fresh)
    assert tokens[7] == tokens[6]
    assert len(set(tokens)) == 7


def test_fault_after_an_error(ask: Ask) -> None:
    """`after_error` holds for the reply that follows an error, and for no other."""
    name = "biz-token-missing-after-error"
    fields = [KYC, NAMELESS, KYC, KYC]

    assert ["biz_token" in ask(name, form).json() for form in fields] == [True, False, False, True]


def test_one_look_serves_many_mocks() -> None:
    """Galleries with one source have each picture looked at once."""

    async def look() -> list[int]:
        source = Gallery()
        mocks = [Gallery(source=source) for _ in range(3)]
        for mock in mocks:
            assert (await mock.look(FACE, 4096, False)).faces
        source.close()
        return [source.looked, *(mock.looked for mock in mocks)]

    assert asyncio.run(look()) == [1, 1, 1, 1]


def test_names_are_joined_by_plus() -> None:
    """A text of several names stands for all of them."""
    assert split("a+b") == ["a", "b"]
    assert len(KNOWN.arm(["colon-alone", "uuid-129-bytes-accepted"])) == 2
    assert KNOWN.concurrency_limit(["colon-alone"]) is None
    assert KNOWN.concurrency_limit(["colon-alone", "biz-token-missing-above-8"]) == 12
