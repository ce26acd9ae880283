"""`sign explain` names the wrong part of a sign with one mistake, and calls no sound sign bad."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from urllib.parse import quote, unquote_plus

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from lint_requests import API_KEY, CONTRACT, NOW, SECRET, sign_of, text_of

from biztoken.cli import main
from biztoken.lint.explain import explain, part_of

TEXT = text_of()
RAW = TEXT.encode()
KEY = SECRET.encode()


def digest(message: bytes = RAW, key: bytes = KEY, algorithm: str = "sha1") -> bytes:
    """The digest of a text, by default the right one."""
    return hmac.new(key, message, algorithm).digest()


def joined(head: bytes, text: bytes = RAW) -> str:
    """A sign of what stands before the text, and the text."""
    return base64.b64encode(head + text).decode()


def hashed(message: bytes, algorithm: str = "sha1") -> bytes:
    """A plain hash."""
    return hashlib.new(algorithm, message).digest()


def containing(wanted: str) -> str:
    """A sound sign that has these characters."""
    signs = (sign_of(text_of(random=f"{number:010d}")) for number in range(5_000))
    return next(sign for sign in signs if set(wanted) <= set(sign))


def parts(order: str) -> bytes:
    """These parts of the text, in this order."""
    return "&".join(part for name in order for part in TEXT.split("&") if part.startswith(f"{name}=")).encode()


def timed(expires: object, made: object, random: str = "0799687066") -> str:
    """A sign with these times."""
    return sign_of(text_of(expires=expires, made=made, random=random))


# mistake: (sign, id, part, and a word of the message that says which mistake it was)
MISTAKES: dict[str, tuple[str, str, str, str]] = {
    # Spelling
    "urlsafe": (containing("+/").replace("+", "-").replace("/", "_"), "sign-urlsafe-base64", "base64", ""),
    "urlsafe-unpadded": (containing("+").replace("+", "-").rstrip("="), "sign-urlsafe-base64", "base64", ""),
    "wrapped-76": (base64.encodebytes(digest() + RAW).decode(), "sign-base64-wrapped", "base64", ""),
    "wrapped-60": (
        "\n".join(joined(digest())[at : at + 60] for at in range(0, 999, 60)).strip(),
        "sign-base64-wrapped",
        "base64",
        "",
    ),
    "wrapped-64-crlf": (
        "\r\n".join(joined(digest())[at : at + 64] for at in range(0, 999, 64)).strip(),
        "sign-base64-wrapped",
        "base64",
        "",
    ),
    "line-at-end": (joined(digest()) + "\r\n", "sign-base64-wrapped", "base64", ""),
    "percent": (quote(containing("+/"), safe=""), "double-encoded-sign", "base64", "percent"),
    "percent-twice": (quote(quote(containing("+/"), safe=""), safe=""), "double-encoded-sign", "base64", "percent"),
    "base64-twice": (
        base64.b64encode(joined(digest()).encode()).decode(),
        "double-encoded-sign",
        "base64",
        "base64 of base64",
    ),
    "plus-lost": (unquote_plus(containing("+")), "sign-plus-lost", "base64", ""),
    "bytes-printed": (repr(joined(digest()).encode()), "sign-not-base64", "base64", "b'"),
    "quoted": (json.dumps(joined(digest())), "sign-not-base64", "base64", "quotes"),
    "no-base64": (digest().hex() + TEXT, "sign-not-base64", "base64", "without base64"),
    "hex-of-all": ((digest() + RAW).hex(), "sign-not-base64", "base64", "hexadecimal"),
    "unpadded": (
        sign_of(text_of(random="07")).rstrip("="),
        "sign-not-base64",
        "base64",
        "=",
    ),
    "nothing-like-it": ("signature", "sign-not-base64", "base64", ""),
    "blank-at-end": (joined(digest()) + " ", "sign-not-base64", "base64", "Blanks"),
    # Digest
    "hex-digest": (joined(digest().hex().encode()), "sign-digest-hex", "digest", "40"),
    "hex-digest-capitals": (joined(digest().hex().upper().encode()), "sign-digest-hex", "digest", "40"),
    "hex-md5": (joined(digest(algorithm="md5").hex().encode()), "sign-digest-hex", "digest", "32"),
    "base64-digest": (joined(base64.b64encode(digest())), "sign-digest-mangled", "digest", "base64 in itself"),
    "latin-1": (joined(digest().decode("latin-1").encode()), "sign-digest-mangled", "digest", "byte by byte"),
    "replaced": (joined(digest().decode("utf-8", "replace").encode()), "sign-digest-mangled", "digest", "U+FFFD"),
    "question-marks": (
        joined(digest().decode("ascii", "replace").encode("ascii", "replace")),
        "sign-digest-mangled",
        "digest",
        "U+FFFD",
    ),
    "printed": (joined(repr(digest()).encode()), "sign-digest-mangled", "digest", "printed"),
    "java-printed": (joined(b"[B@1b6d3586"), "sign-digest-mangled", "digest", "printed"),
    "behind": (base64.b64encode(RAW + digest()).decode(), "sign-digest-mangled", "digest", "behind"),
    "separator": (joined(digest() + b"&"), "sign-digest-mangled", "digest", "too many"),
    "absent": (joined(b""), "sign-digest-mangled", "digest", "alone"),
    "sha256": (joined(digest(algorithm="sha256")), "sign-digest-mangled", "digest", "SHA-256"),
    "md5": (joined(digest(algorithm="md5")), "sign-digest-mangled", "digest", "MD5"),
    "only-text-missing": (base64.b64encode(digest()).decode(), "sign-text-form", "text", "digest alone"),
    "swapped": (joined(digest(KEY, RAW)), "sign-wrong-secret", "digest", "exchanged"),
    "sha1": (joined(hashed(RAW)), "sign-wrong-secret", "digest", "plain hash"),
    "sha1-with-secret": (joined(hashed(RAW + KEY)), "sign-wrong-secret", "digest", "plain hash"),
    "sha1-before-secret": (joined(hashed(KEY + RAW)), "sign-wrong-secret", "digest", "plain hash"),
    "sha256-cut": (joined(digest(algorithm="sha256")[:20]), "sign-wrong-secret", "digest", "another algorithm"),
    "twice": (joined(hashed(digest())), "sign-wrong-secret", "digest", "second time"),
    "line-after-text": (joined(digest(RAW + b"\n")), "sign-wrong-secret", "digest", "line break"),
    "encoded-text": (joined(digest(quote(TEXT, safe="").encode())), "sign-wrong-secret", "digest", "URL or base64"),
    "base64-text": (joined(digest(base64.b64encode(RAW))), "sign-wrong-secret", "digest", "URL or base64"),
    "utf-16-text": (joined(digest(TEXT.encode("utf-16-le"))), "sign-wrong-secret", "digest", "UTF-16"),
    "other-order": (joined(digest(parts("acbd"))), "sign-wrong-secret", "digest", "another order"),
    "sorted-backwards": (joined(digest(parts("dcba"))), "sign-wrong-secret", "digest", "another order"),
    "part-missing": (joined(digest(parts("abc"))), "sign-wrong-secret", "digest", "without one"),
    "commas": (joined(digest(RAW.replace(b"&", b","))), "sign-wrong-secret", "digest", "joined otherwise"),
    "values-only": (
        joined(digest(b"".join(part[2:] for part in RAW.split(b"&")))),
        "sign-wrong-secret",
        "digest",
        "without a=",
    ),
    "times-swapped": (
        joined(digest(text_of(expires=NOW, made=NOW + 600).encode())),
        "sign-wrong-secret",
        "digest",
        "two times",
    ),
    "signed-milliseconds": (
        joined(digest(text_of(expires=(NOW + 600) * 1000, made=NOW * 1000).encode())),
        "sign-wrong-secret",
        "digest",
        "another time",
    ),
    "a-second-later": (joined(digest(text_of(made=NOW + 1).encode())), "sign-wrong-secret", "digest", "another time"),
    "zero-lost": (joined(digest(text_of(random="799687066").encode())), "sign-wrong-secret", "digest", "leading zeros"),
    "line-after-secret": (joined(digest(key=KEY + b"\n")), "sign-wrong-secret", "digest", "blank"),
    "blank-before-secret": (joined(digest(key=b" " + KEY)), "sign-wrong-secret", "digest", "blank"),
    "quoted-secret": (joined(digest(key=b'"' + KEY + b'"')), "sign-wrong-secret", "digest", "quotes"),
    "ampersand": (joined(digest(key=KEY + b"&")), "sign-wrong-secret", "digest", "&"),
    "empty-secret": (joined(digest(key=b"")), "sign-wrong-secret", "digest", "empty"),
    "key-as-secret": (joined(digest(key=API_KEY.encode())), "sign-wrong-secret", "digest", "api_key"),
    "base64-secret": (joined(digest(key=base64.b64encode(KEY))), "sign-wrong-secret", "digest", "base64"),
    "hex-secret": (joined(digest(key=SECRET.encode().hex().encode())), "sign-wrong-secret", "digest", "hexadecimal"),
    "decoded-secret": (
        joined(digest(key=base64.b64decode(SECRET.replace("-", "+") + "=="))),
        "sign-wrong-secret",
        "digest",
        "decoded",
    ),
    "hashed-secret": (joined(digest(key=hashed(KEY, "md5"))), "sign-wrong-secret", "digest", "hash of the secret"),
    "capital-secret": (joined(digest(key=KEY.upper())), "sign-wrong-secret", "digest", "letters"),
    "mark-before-secret": (joined(digest(key=b"\xef\xbb\xbf" + KEY)), "sign-wrong-secret", "digest", "byte order mark"),
    "none-as-secret": (joined(digest(key=b"None")), "sign-wrong-secret", "digest", "nothing"),
    "secret-in-text": (joined(digest(RAW + KEY)), "sign-wrong-secret", "digest", "holds the secret"),
    "question-mark": (joined(digest(b"?" + RAW)), "sign-wrong-secret", "digest", "such as ?"),
    "start-lost": (joined(digest(RAW[2:])), "sign-wrong-secret", "digest", "beginning a="),
    "reversed-digest": (joined(digest()[::-1]), "sign-wrong-secret", "digest", "reverse"),
    "hex-cut": (joined(digest().hex().encode()[:20]), "sign-wrong-secret", "digest", "20 characters"),
    "short-secret": (joined(digest(key=KEY[:-1])), "sign-wrong-secret", "digest", "part of the secret"),
    "any-other-secret": (joined(digest(key=b"something else")), "sign-wrong-secret", "digest", "not that of the text"),
    "one-bit": (joined(bytes([digest()[0] ^ 1]) + digest()[1:]), "sign-wrong-secret", "digest", "not that of the text"),
    # Text
    "percent-text": (
        joined(digest(quote(TEXT, safe="").encode()), quote(TEXT, safe="").encode()),
        "sign-text-form",
        "text",
        "percent",
    ),
    "escaped-text": (joined(digest(RAW), RAW.replace(b"&", b"&amp;")), "sign-text-form", "text", "escaped"),
    "utf-16": (joined(digest(), TEXT.encode("utf-16-le")), "sign-text-form", "text", "UTF-16"),
    "semicolons": (joined(digest(), RAW.replace(b"&", b";")), "sign-text-form", "text", "bare &"),
    "blanks-around": (joined(digest(), RAW.replace(b"&", b" & ")), "sign-text-form", "text", "bare &"),
    "text-in-other-order": (joined(digest(parts("bacd")), parts("bacd")), "sign-text-form", "text", "order bacd"),
    "no-random": (joined(digest(parts("abc")), parts("abc")), "sign-text-form", "text", "only the parts abc"),
    "text-with-line": (joined(digest(RAW + b"\n"), RAW + b"\n"), "sign-text-form", "text", "random number"),
    "fractions": (timed(NOW + 600.25, NOW + 0.25), "sign-text-form", "text", "fractions"),
    "dates": (timed("2025-11-24", "2025-11-24"), "sign-text-form", "text", "no numbers"),
    # Its parts
    "milliseconds": (timed((NOW + 600) * 1000, NOW * 1000), "sign-milliseconds", "b, c", ""),
    "made-in-milliseconds": (timed(NOW + 600, NOW * 1000), "sign-milliseconds", "b, c", ""),
    "nanoseconds": (timed((NOW + 600) * 10**9, NOW * 10**9), "sign-milliseconds", "b, c", ""),
    "expired": (timed(NOW - 1, NOW - 601), "sign-expired", "b", ""),
    "equal": (timed(NOW, NOW), "sign-expired-by-design", "b", "b = c"),
    "exchanged": (timed(NOW, NOW + 60), "sign-expired-by-design", "b", "before"),
    "duration": (timed(3600, NOW), "sign-expired-by-design", "b", "length of time"),
    "clock": (timed(NOW + 4_200, NOW + 3_600), "sign-clock-shift", "c", "future"),
    "a-year": (timed(NOW + 365 * 86_400, NOW), "sign-validity-too-long", "b", "8760"),
    "random-of-13": (timed(NOW + 600, NOW, "1764000000123"), "sign-random-too-long", "d", "13"),
    "random-uuid": (timed(NOW + 600, NOW, "8f14e45f-ceea-467f"), "sign-random-too-long", "d", ""),
    "random-letters": (timed(NOW + 600, NOW, "abc"), "sign-random-form", "d", "abc"),
    "random-fraction": (timed(NOW + 600, NOW, "0.5481"), "sign-random-form", "d", "0.5481"),
    "random-minus": (timed(NOW + 600, NOW, "-1234"), "sign-random-form", "d", "-1234"),
    "no-key": (sign_of(text_of(key="")), "sign-unknown-key", "a", "no api_key"),
    "key-with-line": (sign_of(text_of(key=f"{API_KEY}\n")), "sign-unknown-key", "a", "line break"),
    "key-with-blank": (sign_of(text_of(key=f" {API_KEY}")), "sign-unknown-key", "a", "blank"),
    "key-with-mark": (sign_of(text_of(key=f"\ufeff{API_KEY}")), "sign-unknown-key", "a", "invisible"),
    "quoted-key": (sign_of(text_of(key=f'"{API_KEY}"')), "sign-unknown-key", "a", "quote"),
    "placeholder": (sign_of(text_of(key="YOUR_API_KEY")), "sign-unknown-key", "a", "placeholder"),
    "bracketed-placeholder": (sign_of(text_of(key="<api_key>")), "sign-unknown-key", "a", "placeholder"),
}
EACH = pytest.mark.parametrize(
    ("sign", "expected", "part", "word"), [pytest.param(*row, id=name) for name, row in MISTAKES.items()]
)


@EACH
def test_mistake_is_named(sign: str, expected: str, part: str, word: str) -> None:
    """The first finding is the mistake, on the part where it is, and says which of its kind it was."""
    explanation = explain(sign.encode(), CONTRACT, SECRET, NOW)
    found = {advice.id: advice for advice in explanation.findings if advice.counts}

    assert set(found) == {expected}
    assert part_of(found[expected]) == part
    assert word in found[expected].sent["en"]
    assert not explanation.is_sound


@settings(max_examples=400, deadline=None)
@given(
    key=st.from_regex(r"[A-Za-z0-9_-]{1,40}", fullmatch=True),
    secret=st.from_regex(r"[A-Za-z0-9_-]{1,40}", fullmatch=True),
    valid=st.integers(1, 86_400),
    random=st.from_regex(r"[0-9]{1,10}", fullmatch=True),
)
def test_sound_sign_is_never_called_bad(key: str, secret: str, valid: int, random: str) -> None:
    """Whatever key, secret, validity and random part: what the page describes is sound."""
    if key == secret or key.lower() in ("null", "none", "nil", "undefined"):
        return
    sign = sign_of(text_of(key, NOW + valid, NOW, random), secret)

    explanation = explain(sign.encode(), CONTRACT, secret, NOW)

    assert explanation.findings == ()
    assert explanation.as_json("en")["a"] == key


@pytest.mark.parametrize(
    ("secret", "used", "word"),
    [
        ("se+cret%2Fof tests", "se+cret/of tests", "URL"),
        ("se+cret%2Fof tests", "se cret/of tests", "URL"),
        ("se+cret/of tests", "se%2Bcret%2Fof%20tests", "URL"),
        ("secret-of-tests\n", "secret-of-tests", "given one"),
    ],
)
def test_spoilt_secret_is_named(secret: str, used: str, word: str) -> None:
    """What befell the secret between the console and the program, or the one that is given here."""
    (finding,) = explain(sign_of(TEXT, used).encode(), CONTRACT, secret, NOW).findings

    assert finding.id == "sign-wrong-secret"
    assert word in finding.sent["en"]
    assert secret.strip() not in finding.message("en")


def test_single_use_sign_is_sound() -> None:
    """Expiry time 0 is a sign for one use, not one that is over."""
    explanation = explain(timed(0, NOW).encode(), CONTRACT, SECRET, NOW)

    assert explanation.is_sound
    assert "works once" in explanation.told("en")


@settings(max_examples=300, deadline=None)
@given(
    value=st.one_of(
        st.binary(max_size=200), st.text(max_size=80).map(str.encode), st.binary(max_size=90).map(base64.b64encode)
    )
)
def test_any_bytes_can_be_explained(value: bytes) -> None:
    """No sign makes it raise, and none of these is sound."""
    explanation = explain(value, CONTRACT, SECRET, NOW)

    assert not explanation.is_sound
    assert explanation.told("en")
    assert explanation.told("zh")
    assert json.dumps(explanation.as_json("zh"))


def test_secret_in_place_of_the_key_is_not_repeated() -> None:
    """Whoever exchanged the two must not find the secret in the explanation."""
    explanation = explain(sign_of(text_of(key=SECRET)).encode(), CONTRACT, SECRET, NOW)

    assert [advice.id for advice in explanation.findings] == ["sign-unknown-key"]
    assert SECRET not in explanation.told("en") + json.dumps(explanation.as_json("en"))


# --- the command

KNOWN = (
    "SPzLRbDBgTGC2A8YdDaa7Jrny+5hPUlDVnZDX3hVczYxNzdXRXR5VU53SUg4SjZO"
    "Zkd1NTB0JmI9MTUzMDc2MjIxOCZjPTE1MzA3NjIxMTgmZD0wNzk5Njg3MDY2"
)
ENVIRONMENT = {"KNOWN_SECRET": "UjYGdN9CBZKsDBLB5-5v3DykPXY6dw3q"}  # the vendor's published example


def run(*arguments: str, given_in: str | None = None) -> tuple[int, str]:
    """Exit code and what was printed."""
    done = CliRunner().invoke(main, ["sign", "explain", *arguments], input=given_in, env=ENVIRONMENT)
    return done.exit_code, done.output


def test_command_explains_the_vendors_own_example() -> None:
    """The published sign is sound: exit 0, with its times as dates."""
    code, out = run(KNOWN, "--secret-env", "KNOWN_SECRET")

    assert code == 0
    assert "48fccb45b0c1813182d80f1874369aec9ae7cbee" in out
    assert "2018-07-05T03:43:38Z" in out
    assert "0799687066" in out


def test_command_says_what_is_wrong() -> None:
    """A wrong sign exits 1; --now has the expiry judged."""
    code, out = run(KNOWN, "--secret-env", "KNOWN_SECRET", "--now", "1530762300", "--json")

    told = json.loads(out)
    assert (code, told["wrong"]) == (1, ["b"])
    assert [set(row) for row in told["findings"]] == [{"id", "level", "message"}] * len(told["findings"])


def test_command_reads_standard_input() -> None:
    """So that a sign need not stand in a list of processes; the shell's own line break is not the sign's."""
    assert run("-", "--secret-env", "KNOWN_SECRET", given_in=KNOWN + "\n")[0] == 0
    assert "sign-base64-wrapped" in run("-", given_in=KNOWN + "\n\n")[1]


def test_sign_that_begins_with_a_dash_is_no_option() -> None:
    """A URL-safe sign may begin with one."""
    code, out = run("-PzLRbDBgTGC2A8YdDaa7Jrny-5hPUlDVnZDX3hVczYx", "--lang", "zh")

    assert code == 1
    assert "sign-urlsafe-base64" in out


def test_missing_variable_is_the_users_mistake() -> None:
    """Exit 2, with the name as it was written."""
    code, out = run(KNOWN, "--secret-env", "NO_SUCH_SECRET")

    assert code == 2
    assert "NO_SUCH_SECRET" in out


def test_sign_alone_still_makes_one() -> None:
    """`biztoken sign` is what it was, and what it makes is sound."""
    environment = {"BIZTOKEN_API_KEY": API_KEY, "BIZTOKEN_API_SECRET": SECRET}
    done = CliRunner().invoke(main, ["sign"], env=environment)

    assert done.exit_code == 0
    assert explain(done.output.strip().encode(), CONTRACT, SECRET).findings == ()


def test_what_was_not_judged_is_not_called_sound() -> None:
    """Without the secret nobody knows of the digest, without the time nobody of the expiry."""
    half = explain(sign_of(TEXT, "another").encode(), CONTRACT)

    assert half.as_json("en")["judged"] == {"digest": False, "expiry": False}
    assert "Nothing wrong is seen." in half.told("en")
    assert "The sign is sound." in explain(sign_of(TEXT).encode(), CONTRACT, SECRET, NOW).told("en")


def test_digest_that_holds_the_start_of_a_text_is_sound() -> None:
    """One digest in some thousand has the bytes a= in it."""
    found = [
        sign
        for sign in (sign_of(text_of(random=str(number))) for number in range(20_000))
        if b"a=" in base64.b64decode(sign)[:20]
    ]

    assert found
    assert all(explain(sign.encode(), CONTRACT, SECRET, NOW).findings == () for sign in found)
