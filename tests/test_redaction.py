"""What is recorded holds no private text, however a target spells it, and all else stays as it was."""

from __future__ import annotations

import base64
import json
import time
from random import Random

import pytest
from test_leaks import FACE, FULL_SIGN, NAME, NUMBER, ODD, PERSON, PLANTS, SECRET, SIGN, canary, php, target, written

from biztoken.leaks import canaries, search_text
from biztoken.redaction import REDACTED, Redactor

TEXTS = [SECRET, NAME, NUMBER, ODD]


def redactor(*private: str) -> Redactor:
    """One that knows these texts."""
    return Redactor(private or TEXTS)


def as_received(data: bytes) -> str:
    """A body as it is recorded."""
    return data.decode("utf-8", "replace")


@pytest.mark.parametrize(("name", "text", "write"), PLANTS)
def test_what_the_search_would_find_is_taken_out(name, text, write):
    """Two ways of reading spellings agree: of each that is searched nothing is left."""
    told = redactor(text).redact(f"received {as_received(written(write, text))} at last")

    assert search_text(told, canary(text)) == ()
    assert told.startswith("received ")
    assert told.endswith(" at last")


@pytest.mark.parametrize(
    "mixture", ["欧\\u9633明超", "%E6%AC%A7阳&#26126;超", "&#x6b27;\\\\u9633%E6%98%8E超", "欧\0阳\0明\0超"]
)
def test_mixture_of_spellings_is_taken_out(mixture):
    """A letter may be written in one way and the next in another."""
    assert redactor().redact(f"<{mixture}>") == f"<{REDACTED}>"


@pytest.mark.parametrize("sign", [SIGN, FULL_SIGN], ids=["tame", "full"])
@pytest.mark.parametrize(
    "write",
    [str, php, lambda sign: sign.encode().hex(), lambda sign: sign[:40], lambda sign: sign.replace("+", "%2B")],
    ids=["plain", "php", "hex", "beginning", "url"],
)
def test_sign_that_was_sent_is_taken_out(sign, write):
    """Also of another request, in a finding, and in part."""
    knowing = redactor()
    knowing.learn(sign, "<sign>")

    assert knowing.redact(f"x {write(sign)} y") == "x <sign> y"


@pytest.mark.parametrize("form", ["&#{};", "&#x{:x};", "\\u{:04x}", "%{:02x}"])
def test_sign_with_every_letter_escaped_is_taken_out(form):
    """Nothing made it escape them; it is readable all the same."""
    knowing = redactor()
    knowing.learn(SIGN, "<sign>")

    assert knowing.redact("".join(form.format(ord(char)) for char in SIGN)) == REDACTED


@pytest.mark.parametrize("code", [base64.b64encode, base64.encodebytes, lambda data: data.hex().encode()])
def test_picture_is_told_by_length_and_hash(code):
    """Coded bytes of some length are no evidence; that two of them differ is."""
    told = [
        redactor().redact(f'{{"image": "{code(data).decode()}"}}') for data in (FACE.data, FACE.data + b"\x01\x02\x03")
    ]

    assert all(len(text) < 150 for text in told)
    assert told[0] != told[1]
    assert not search_text(told[0], canaries(target(), PERSON, [], [FACE]))


def test_letter_repeated_stays():
    """A long value of one letter is the defect of a case, and nobody's face."""
    assert redactor().redact("u" * 3_000) == "u" * 3_000


@pytest.mark.parametrize("password", ["pw", "a:b", "secret-word"])
def test_password_of_a_url_is_taken_out_by_its_place(password):
    """However short, and whoever's it is."""
    assert redactor().redact(f"to http://u:{password}@host/x") == f"to http://u:{REDACTED}@host/x"


def test_keys_of_records_stay():
    """Whoever calls their secret as we call a field loses no record by it."""
    assert redactor("status").redact({"status": ["status"]}) == {"status": [REDACTED]}


@pytest.mark.parametrize("text", TEXTS[:3])
@pytest.mark.parametrize("left", [2, 3, -1])
def test_cut_text_is_taken_out(text, left):
    """What is left of a text before the sign that something is missing."""
    told = redactor().redact(f"error {json.dumps(text, ensure_ascii=False)[: left + 1 if left > 0 else left - 1]}…")

    assert told == f'error "{REDACTED}…'


@pytest.mark.parametrize(
    "text", ["ordinary text", "100 % sure & more", "时间 12:30", "%E5%BC%A0", "a\\nb", '{"a": "\\u5f20"}']
)
def test_what_is_not_private_stays(text):
    """Whatever code it is written in."""
    assert redactor().redact({text: [text, None, 1.5, (text,)]}) == {text: [text, None, 1.5, (text,)]}


def test_json_stays_json():
    """What is taken out of a body leaves it a body."""
    rng = Random(1)
    for _ in range(200):
        text = "".join(rng.choices([SECRET, NAME, ODD, '"', "\\", "x", "好", " "], k=6))
        body = json.dumps({"error": text, "n": [text]}, ensure_ascii=rng.random() < 0.5)

        told = json.loads(redactor().redact(body))

        assert set(told) == {"error", "n"}


@pytest.mark.parametrize("text", ["\\" * 60, "%" * 60, " " * 3_000, "&amp;" * 500, "=\n" * 500, "\\u0000" * 500])
def test_no_text_takes_long(text):
    """What a target sends cannot keep the reader busy."""
    knowing = redactor("\\" * 12 + "x", "a b  c\\\\d", *TEXTS)

    began = time.process_time()
    knowing.redact(text)

    assert time.process_time() - began < 1
