"""What the doctor says, from values alone: whose side is at fault, and a way out, in both languages."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from email.utils import formatdate
from errno import ECONNREFUSED
from pathlib import Path

import pytest

from biztoken.doctor import Line, Seen, misread, tell, why
from biztoken.doctor.failures import _WORDS, no_reply
from biztoken.doctor.skew import measure
from biztoken.errors import UserError
from biztoken.model import Exchange, Reply
from biztoken.settings import REGIONS, Target
from biztoken.signing import Key, Secret

NOW = 1_800_000_000.0
SECRET, NAME, NUMBER = "top-secret-value", "张三丰", "990101199003071233"
FORM = (("idcard_name", NAME), ("idcard_number", NUMBER), ("sign", "c2lnbmF0dXJlIG9mIG1pbmU="))
TARGET = Target(
    "staging",
    "https://user:pass-word@faceid.example/faceid/v3/sdk/get_biz_token",
    {"active": Key("my-key", Secret(SECRET))},
    timeout=7.0,
)
IN_CHINA = replace(TARGET, url=f"https://{REGIONS['china']}/faceid/v3/sdk/get_biz_token")
PROXIED = replace(TARGET, proxy="http://user:pass-word@proxy.example:3128")
PLAIN_PROXIED = replace(PROXIED, url="http://faceid.example/faceid")
WITH_CA = replace(TARGET, cacert=Path("ca.pem"))
LINE = Line(("192.0.2.7",), "TLSv1.3", NOW + 90 * 86_400, seconds={"dns": 0.001, "tcp": 0.01, "tls": 0.02})


def exchange(reply: Reply | None = None, failure: str | None = None, took: float = 0.2) -> Exchange:
    """An exchange that ended now."""
    return Exchange(1, FORM, 100, 50.0, 50.0 + took, reply, failure)


def answer(status: int, body: object, date: float | None = NOW, **headers: str) -> Reply:
    """A reply; bytes and texts as they are, else JSON. `date`: what its Date says."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    rows = [*headers.items()] + ([("Date", formatdate(date, usegmt=True))] if date is not None else [])
    return Reply(status, tuple(rows), data)


def refused(error: str, status: int = 403, date: float | None = NOW) -> Reply:
    """A refusal of the sound request."""
    return answer(status, {"error": error, "request_id": "1", "time_used": 1}, date)


SAMPLE = (
    Target("staging", "https://faceid.example.com/faceid/v3/sdk/get_biz_token", {"active": Key("key", Secret(SECRET))}),
    Seen(
        Line(
            ("192.0.2.7", "192.0.2.8"),
            "TLSv1.3",
            NOW + 9.5 * 86_400,
            seconds={"dns": 0.012, "tcp": 0.031, "tls": 0.064},
        ),
        NOW,
        exchange=exchange(refused("AUTHORIZATION_ERROR: EXPIRED_SIGN", date=NOW + 600), took=0.118),
    ),
)
ACCEPTED = answer(200, {"biz_token": "t", "request_id": "1", "time_used": 1})


def states(target: Target, seen: Seen) -> dict[str, str]:
    """The state of each step."""
    return {step.name: step.state for step in tell(target, seen).steps}


# The target, the failure as wire tells it, whose side, what is named, and the way out.
FAILURES = {
    "unknown host": (TARGET, "dns: the host faceid.example is unknown", "file", "url", "correct the host name in url"),
    "unknown host of the vendor": (IN_CHINA, "dns: the host is unknown", "network", "url", "name servers"),
    "no name server": (TARGET, "resolver: the host is unknown", "network", "url", "name servers"),
    "nothing listens": (
        TARGET,
        f"connect: no connection to faceid.example:443 ([Errno {ECONNREFUSED}] Connection refused)",
        "endpoint",
        "url",
        "start the endpoint or correct url",
    ),
    "no way": (
        TARGET,
        "connect: no connection to faceid.example:443 ([Errno 101] Network is unreachable)",
        "network",
        "url",
        "set proxy",
    ),
    "no connection in time": (
        TARGET,
        "connect: no connection to faceid.example:443 (timed out)",
        "network",
        "url",
        "within 7 s; check firewall",
    ),
    "expired": (
        TARGET,
        "tls: the certificate is not trusted (certificate has expired)",
        "endpoint",
        "url",
        "Fri, 15 Jan 2027 08:00:00 GMT); have it renewed",
    ),
    "not yet valid": (
        TARGET,
        "tls: the certificate is not trusted (certificate is not yet valid)",
        "clock",
        "url",
        "set this machine's clock right",
    ),
    "wrong host": (
        TARGET,
        "tls: the certificate is not trusted (Hostname mismatch, certificate is not valid for 'faceid.example'.)",
        "file",
        "url",
        "correct url to the name in the certificate",
    ),
    "wrong address": (
        TARGET,
        "tls: the certificate is not trusted (IP address mismatch, certificate is not valid for '127.0.0.1'.)",
        "file",
        "url",
        "correct url to the name",
    ),
    "unknown authority": (
        TARGET,
        "tls: the certificate is not trusted (unable to get local issuer certificate)",
        "file",
        "url",
        "give that authority in cacert",
    ),
    "another authority": (
        WITH_CA,
        "tls: the certificate is not trusted (unable to get local issuer certificate)",
        "file",
        "url",
        "give the one that signed it",
    ),
    "unknown authority of the vendor's": (
        IN_CHINA,
        "tls: the certificate is not trusted (self-signed certificate in certificate chain)",
        "network",
        "url",
        "use another network",
    ),
    "CA file that is none": (
        WITH_CA,
        "tls: no TLS connection (SSLError) NO_CERTIFICATE_OR_CRL_FOUND",
        "file",
        "cacert ca.pem",
        "give the certificate of the authority in PEM",
    ),
    "old TLS": (
        TARGET,
        "tls: no TLS connection (SSLError) TLSV1_ALERT_PROTOCOL_VERSION",
        "endpoint",
        "url",
        "have TLS 1.2 or 1.3 turned on",
    ),
    "no TLS": (TARGET, "tls: no TLS connection (SSLError) WRONG_VERSION_NUMBER", "file", "url", "correct url"),
    "silent TLS": (TARGET, "tls: no TLS connection (TimeoutError)", "endpoint", "url", "raise timeout"),
    "cut TLS": (TARGET, "tls: no TLS connection (ConnectionResetError)", "network", "url", "firewall"),
    "unknown TLS": (TARGET, "tls: no TLS connection (SSLError)", "file", "url", "give the authority"),
    "unknown proxy": (PROXIED, "proxy: the host proxy.example is unknown", "file", "proxy http", "correct proxy"),
    "no proxy": (
        PROXIED,
        "proxy: no connection to proxy.example:3128 ([Errno 111] Connection refused)",
        "network",
        "proxy http",
        "start it or correct proxy",
    ),
    "proxy with a login": (
        PROXIED,
        "proxy: the proxy proxy.example refused (HTTP/1.1 407 Proxy Authentication Required)",
        "network",
        "proxy http",
        "status 407",
    ),
    "proxy that refuses": (
        PROXIED,
        "proxy: the proxy proxy.example refused (HTTP/1.1 502 Bad Gateway)",
        "network",
        "proxy http",
        "status 502",
    ),
    "proxy that says nothing": (
        PROXIED,
        "proxy: the proxy proxy.example refused (nothing)",
        "network",
        "proxy http",
        "gives no answer",
    ),
    "proxy that is silent": (
        PROXIED,
        "proxy: the proxy proxy.example does not answer (timed out)",
        "network",
        "proxy http",
        "gives no answer",
    ),
    "proxy that is a page": (
        PROXIED,
        "proxy: the proxy proxy.example refused (<html>)",
        "network",
        "proxy http",
        "check that it is a proxy",
    ),
    "proxy without a tunnel": (
        PROXIED,
        "tls: no TLS connection (SSLError) WRONG_VERSION_NUMBER",
        "network",
        "proxy http",
        "no TLS comes through",
    ),
    "no reply in time": (TARGET, "timeout: no reply within 7 s", "endpoint", "url", "check the endpoint, or raise"),
    "no HTTP": (TARGET, "protocol: the reply is no HTTP (x)", "endpoint", "url", "check that url is the endpoint"),
    "half a reply": (TARGET, "truncated: the connection was closed", "endpoint", "url", "middle of the reply"),
    "closed": (TARGET, "closed: the connection was closed before a reply", "endpoint", "url", "before a reply"),
    "something new": (TARGET, "new: whatever", "endpoint", "url", "check that url is the endpoint"),
}


@pytest.mark.parametrize(("target", "failure", "side", "what", "way_out"), FAILURES.values(), ids=FAILURES)
def test_missing_reply_is_explained(target, failure, side, what, way_out):
    """Each failure of the line has its own sentence, with the field that it is about and what to do."""
    trouble = no_reply(target, failure, NOW)

    assert trouble.side == side
    assert trouble.what.startswith(what)
    assert way_out in trouble.en
    assert "; " in trouble.en


def test_every_failure_has_words_of_its_own():
    """No two kinds of failure say the same, and the table of this test has each kind."""
    told = [no_reply(target, failure, NOW).en for target, failure, *_ in FAILURES.values()]

    assert len({en for _, en, _ in _WORDS.values()}) == len({zh for _, _, zh in _WORDS.values()}) == len(_WORDS)
    for _, en, _ in _WORDS.values():
        start = re.escape(max(re.split(r"\{[^}]*\}", en), key=len))
        assert any(re.search(start, sentence) for sentence in told), en


KEY = "keys.active of staging"
CHECK_KEY = "check api_key and api_secret, and that the key belongs to this url"
REPLIES = {
    "bad signature": (TARGET, refused("AUTHENTICATION_ERROR"), "key", KEY, CHECK_KEY),
    "bad signature, other name": (TARGET, refused("AUTHORIZATION_ERROR: INVALID_SIGN"), "key", KEY, CHECK_KEY),
    "bad signature at the vendor's": (IN_CHINA, refused("AUTHENTICATION_ERROR"), "key", KEY, "(Singapore), api-idn."),
    "discontinued": (
        TARGET,
        refused("AUTHORIZATION_ERROR: API_KEY_BE_DISCONTINUED"),
        "key",
        KEY,
        "use a key that is in service",
    ),
    "denied": (TARGET, refused("AUTHORIZATION_ERROR: DENIED"), "key", KEY, "have this API permitted"),
    "address": (TARGET, refused("AUTHORIZATION_ERROR:IP_NOT_ALLOWED"), "key", KEY, "call from an allowed address"),
    "retries": (TARGET, refused("AUTHORIZATION_ERROR: MORE_RETRY_TIMES"), "key", KEY, "wait until"),
    "quota": (TARGET, refused("AUTHORIZATION_ERROR: LIMIT_REACHED"), "key", KEY, "quota left"),
    "concurrency": (TARGET, refused("CONCURRENCY_LIMIT_EXCEEDED"), "key", KEY, "try when it is idle"),
    "unknown reason": (TARGET, refused("AUTHORIZATION_ERROR: SOMETHING_NEW"), "key", KEY, "SOMETHING_NEW; check"),
    "clock behind": (
        TARGET,
        refused("AUTHORIZATION_ERROR: EXPIRED_SIGN", date=NOW + 600),
        "clock",
        "clock",
        "this machine's clock is 10 minutes behind the endpoint's, so that a signature made now is refused with "
        "AUTHORIZATION_ERROR: EXPIRED_SIGN; set this machine's clock right",
    ),
    "clock ahead": (
        TARGET,
        refused("AUTHENTICATION_ERROR", date=NOW - 3 * 3_600),
        "clock",
        "clock",
        "3 hours ahead of the endpoint's",
    ),
    "clock a minute off": (TARGET, refused("AUTHENTICATION_ERROR", date=NOW - 90), "key", KEY, CHECK_KEY),
    "expired without Date": (
        TARGET,
        refused("AUTHORIZATION_ERROR: EXPIRED_SIGN", date=None),
        "clock",
        "clock",
        "set this machine's clock right",
    ),
    "expired, Date agrees": (
        TARGET,
        refused("AUTHORIZATION_ERROR: EXPIRED_SIGN"),
        "endpoint",
        "url",
        "its Date header agrees with this machine's clock",
    ),
    "redirect": (
        TARGET,
        answer(302, b"", Location="https://login.example/a?token=x#y"),
        "endpoint",
        "url",
        "a redirect to https://login.example/a (status 302); correct url",
    ),
    "redirect of a path": (
        TARGET,
        answer(308, b"", location="/other/"),
        "endpoint",
        "url",
        "https://faceid.example/other/ (status 308)",
    ),
    "page": (TARGET, answer(200, b"\n<html>"), "endpoint", "url", "answers with a web page (status 200)"),
    "page of a gateway": (TARGET, answer(502, b"<html>"), "endpoint", "url", "a web page (status 502); ask its"),
    "no JSON": (TARGET, answer(403, b"Forbidden"), "endpoint", "url", "something that is no JSON (status 403)"),
    "nothing": (TARGET, answer(404, b""), "endpoint", "url", "no JSON (status 404); check that url is the endpoint"),
    "no API": (TARGET, refused("API_NOT_FOUND", 404), "file", "url", "correct the path in url"),
    "server error": (TARGET, refused("INTERNAL_ERROR", 500), "endpoint", "url", "status 500, INTERNAL_ERROR); ask"),
    "complaint": (TARGET, refused("BAD_ARGUMENTS: uuid", 400), "endpoint", "url", "status 400, BAD_ARGUMENTS: uuid"),
    "no error told": (TARGET, answer(400, {}), "endpoint", "url", "status 400, no error told"),
    "page of a proxy": (PLAIN_PROXIED, answer(502, b"<html>"), "network", "proxy", "correct proxy, or try without"),
    "login of a proxy": (PLAIN_PROXIED, answer(407, b"<html>"), "network", "proxy", "wants a login"),
}


@pytest.mark.parametrize(("target", "reply", "side", "what", "says"), REPLIES.values(), ids=REPLIES)
def test_refusal_is_explained(target, reply, side, what, says):
    """Each answer to a sound request that is no acceptance has its own sentence and side."""
    trouble = why(target, exchange(reply), NOW)

    assert trouble
    assert trouble.side == side
    assert trouble.what.startswith(what)
    assert says in trouble.en


def sentences() -> list[str]:
    """Everything that is said for what stands in the tables above, in both languages."""
    seen = [(target, Seen(LINE, NOW, exchange=exchange(reply))) for target, reply, *_ in REPLIES.values()]
    seen += [
        (target, Seen(replace(LINE, failed="tls", failure=failure), NOW)) for target, failure, *_ in FAILURES.values()
    ]
    return [tell(target, values).told(lang) for target, values in seen for lang in ("en", "zh")]


FOREIGN_NAMES = re.compile(
    r"https?:[!-~]+|\w+, \d\d \w+ \d{4} [\d:]+ GMT|(?:AUTH|BAD_)\w+: ?\w+|keys.active of staging"
)


def test_chinese_is_chinese():
    """Chinese sentences have Chinese punctuation, and no English beside names."""
    for text in (sentence for sentence in sentences() if "问题出在" in sentence):
        prose = FOREIGN_NAMES.sub("X", text)
        assert not re.search(r"[,;:()](?!\d)", prose), prose
        assert not re.search(r"[a-z]{2,} [a-z]{2,} [a-z]{2,}", prose), prose


def test_nothing_private_is_said():
    """Secrets, passwords, names and ID numbers stand in no sentence, not even where the endpoint sends them back."""
    echo = f"AUTHORIZATION_ERROR: {SECRET} {NAME} {NUMBER} {FORM[2][1]}\n\x1b[31m" + "x" * 500
    values = Seen(LINE, NOW, exchange=exchange(refused(echo)))
    told = [tell(TARGET, values).told(lang) for lang in ("en", "zh")] + sentences()

    assert not [text for text in told for private in (SECRET, NAME, NUMBER, "pass-word", FORM[2][1]) if private in text]
    assert all(line.isprintable() and len(line) < 600 for text in told for line in text.splitlines())


def test_sound_target_is_well():
    """Where all is well each step says so, and nothing is to be raised."""
    diagnosis = tell(TARGET, Seen(LINE, NOW, exchange=exchange(ACCEPTED)))

    assert [(step.name, step.state) for step in diagnosis.steps] == [
        (name, "ok") for name in ("file", "secrets", "dns", "tcp", "tls", "clock", "request")
    ]
    assert (diagnosis.problem, diagnosis.side, diagnosis.answered) == (None, None, True)
    assert diagnosis.told("en").endswith("All is well: nothing stands in the way of a run.")
    assert diagnosis.told("zh").endswith("一切就绪，可以运行。")


def test_last_line_names_the_side():
    """One line says whose side is at fault, then the sentence that a run would end with."""
    diagnosis = tell(TARGET, Seen(LINE, NOW, exchange=exchange(refused("AUTHENTICATION_ERROR"))))

    assert diagnosis.problem
    assert diagnosis.sentence("en") == f"At fault is your key. {diagnosis.problem}"
    assert diagnosis.sentence("zh") == diagnosis.problem.told("zh")
    assert diagnosis.sentence("zh").startswith("问题出在你的 key。keys.active")
    assert diagnosis.told("en").count(diagnosis.sentence("en")) == 1


def test_warnings_are_told_by_themselves():
    """What a run keeps of a doctor that found no trouble: a sentence for each warning, that names its step."""
    line = Line(("192.0.2.7",), "TLSv1.3", NOW + 5 * 86_400 + 60)
    diagnosis = tell(TARGET, Seen(line, NOW, exchange=exchange(ACCEPTED)))

    (warning,) = diagnosis.warnings()
    assert warning.en == "Warning, tls: TLSv1.3, and the certificate expires in 5 days; have it renewed."
    assert warning.zh.startswith("警告，加密：TLSv1.3")


def test_broken_line_skips_what_follows():
    """After the step that failed nothing is said to have been looked at."""
    line = Line(("192.0.2.7",), failed="tcp", failure="connect: no connection to x (timed out)", seconds={"dns": 0.1})

    assert states(TARGET, Seen(line, NOW)) == {
        "file": "ok",
        "secrets": "ok",
        "dns": "ok",
        "tcp": "fail",
        "tls": "skipped",
        "clock": "skipped",
        "request": "skipped",
    }


def test_proxy_is_a_step_of_its_own():
    """Where a proxy is named it stands in place of the direct connection."""
    assert "tcp" not in states(PROXIED, Seen(LINE, NOW))
    assert states(PROXIED, Seen(LINE, NOW))["proxy"] == "ok"


def test_mistake_in_the_file_is_a_diagnosis():
    """A file that cannot be read is the file's fault, a variable that is not set the key's."""
    broken = misread(UserError("target.yaml: url", "this key is missing; add it", "缺少这个键；请补上"))
    no_secret = misread(UserError("keys.active.api_secret: env:X", "export it", "请导出"))

    assert (broken.side, [step.state for step in broken.steps]) == ("file", ["fail", *["skipped"] * 6])
    assert (no_secret.side, [step.state for step in no_secret.steps]) == ("key", ["ok", "fail", *["skipped"] * 5])


def test_busy_target_is_told_as_the_run_tells_it():
    """A mistake that comes up while the request is made is passed on word by word."""
    mistake = UserError(KEY, "the endpoint keeps answering X; try later", "接口一直返回 X；请稍后再试")
    diagnosis = tell(TARGET, Seen(LINE, NOW, mistake=mistake))

    assert str(diagnosis.problem) == str(mistake)
    assert (diagnosis.side, diagnosis.answered) == ("key", False)


@pytest.mark.parametrize("reason", ["NO_VERIFY_PERMISSION", "NO_DATA_SOURCE_PERMISSION"])
def test_refusal_of_one_combination_is_no_fault(reason):
    """A key that may not use one combination of types may be fit for the others."""
    seen = Seen(LINE, NOW, exchange=exchange(refused(f"AUTHORIZATION_ERROR: {reason}")))

    assert states(TARGET, seen)["request"] == "warn"
    assert tell(TARGET, seen).problem is None


def test_request_that_is_not_wanted_is_skipped():
    """Without a request only the line is looked at."""
    seen = Seen(LINE, NOW, asked=False)

    assert states(TARGET, seen)["request"] == states(TARGET, seen)["clock"] == "skipped"
    assert tell(TARGET, seen).problem is None


@pytest.mark.parametrize("value", [" s3cret", "s3cret\n", "'s3cret'", "\u201cs3cret", "s3cret\u3000"])
def test_what_was_copied_along_is_told(value):
    """A blank or a quotation mark around a secret is told, without the secret."""
    target = replace(TARGET, keys={"active": Key("my-key", Secret(value))})
    (step,) = (step for step in tell(target, Seen(LINE, NOW)).steps if step.name == "secrets")

    assert step.state == "warn"
    assert "keys.active.api_secret" in step.en
    assert "s3cret" not in step.en + step.zh


@pytest.mark.parametrize(("days", "state"), [(90, "ok"), (14, "ok"), (13, "warn"), (0, "warn")])
def test_end_of_the_certificate_is_told_in_time(days, state):
    """A certificate that ends within 14 days is told with the days left."""
    (step,) = (
        step
        for step in tell(TARGET, Seen(replace(LINE, expires=NOW + days * 86_400 + 60), NOW)).steps
        if step.name == "tls"
    )

    assert step.state == state
    assert f"{days} days" in step.en
    assert f"{days} 天" in step.zh


@pytest.mark.parametrize(
    ("url", "state"),
    [
        ("http://127.0.0.1:8080/x", "ok"),
        ("http://localhost/x", "ok"),
        ("http://[::1]/x", "ok"),
        ("http://a.b/x", "warn"),
    ],
)
def test_plain_http_is_for_this_machine(url, state):
    """What is not encrypted should not leave the machine."""
    assert states(replace(TARGET, url=url), Seen(Line(("127.0.0.1",)), NOW))["tls"] == state


CLOCKS = {
    "right": (0.0, 0.2, "ok", ""),
    "a minute behind, by a slow line": (-62.0, 5.0, "ok", ""),
    "just within": (60.0, 0.2, "ok", ""),
    "a good minute ahead": (63.0, 0.2, "warn", "63 seconds ahead of"),
    "minutes behind": (-600.0, 0.2, "warn", "10 minutes behind"),
    "a time zone": (28_800.0, 0.2, "warn", "8 hours ahead of"),
    "days": (-3 * 86_400.0, 0.2, "warn", "3 days behind"),
}


@pytest.mark.parametrize(("off", "took", "state", "says"), CLOCKS.values(), ids=CLOCKS)
def test_clock_is_compared_with_the_date(off, took, state, says):
    """A difference that round trip and whole seconds cannot explain is told, with its direction, and fails nothing."""
    reply = answer(200, {"biz_token": "t"}, NOW - off - took / 2)
    diagnosis = tell(TARGET, Seen(LINE, NOW, exchange=exchange(reply, took=took)))
    (step,) = (step for step in diagnosis.steps if step.name == "clock")

    assert step.state == state
    assert says in step.en
    assert diagnosis.problem is None


@pytest.mark.parametrize(
    "date", ["", "yesterday", "Mon, 99 Foo 2020 00:00:00 GMT", "Thu, 01 Jan 9999999999 00:00:00 GMT"]
)
def test_date_that_is_none_is_passed_over(date):
    """A Date that cannot be read says nothing about the clock."""
    reply = Reply(200, (("date", date),), b"{}")

    assert measure(exchange(reply), NOW) is None


def test_recorded_exchange_says_nothing_of_the_clock():
    """When an exchange of a record took place is not known."""
    assert measure(replace(exchange(ACCEPTED), started=0.0), NOW) is None


@pytest.mark.parametrize(("lang", "name"), [("en", "doctor.md"), ("zh", "doctor.zh.md")])
def test_sample_in_the_document_is_real(lang, name):
    """The page shows what the command prints."""
    page = (Path(__file__).parents[1] / "docs" / name).read_text("utf-8")

    assert f"```text\n{tell(*SAMPLE).told(lang)}\n```" in page
