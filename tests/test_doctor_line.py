"""The doctor on real connections: what stands on a line is told from its bytes, in its own sentence."""

from __future__ import annotations

import ssl
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from email.utils import formatdate
from pathlib import Path
from typing import Any

import miniatures
import pytest
from miniatures import accepted, always, refused
from miniatures import serving as miniature
from tiny_servers import PATH, Authority, Handler, TinyServer, answer, read_request, saying, serving
from tls_material import make_certificate

from biztoken import contract
from biztoken.cases import Samples, load_cases
from biztoken.client import Client, Request
from biztoken.doctor import Diagnosis, diagnose
from biztoken.errors import UserError
from biztoken.evidence import Evidence
from biztoken.mock.keys import demo_keys
from biztoken.model import Exchange
from biztoken.people import make_person
from biztoken.pictures import Pictures
from biztoken.preflight import find_branches, first_control
from biztoken.runner import Run
from biztoken.settings import Target
from biztoken.signing import Key, Secret
from biztoken.suite import Options, Suite

SECRET = "no-such-secret"
GOOD = b'{"request_id": "1", "time_used": 0, "biz_token": "t"}'
WRONG_SIGN = b'{"request_id": "1", "time_used": 0, "error": "AUTHENTICATION_ERROR"}'
EXPIRED_SIGN = b'{"request_id": "1", "time_used": 0, "error": "AUTHORIZATION_ERROR: EXPIRED_SIGN"}'


def target(url: str, **options) -> Target:
    """A target with a key that nobody knows."""
    return Target("tiny", url, {"active": Key("key", Secret(SECRET))}, **{"timeout": 2.0, **options})


@contextmanager
def client(tested: Target, directory: Path) -> Iterator[Client]:
    """A client for a target."""
    evidence = Evidence(directory, tested.private_texts())
    with closing(evidence), closing(Client(tested, evidence)) as made:
        yield made


@pytest.fixture
def examine(tmp_path: Path) -> Callable[..., Diagnosis]:
    """Have a target diagnosed, with one request as any client sends it."""

    def examine(url: str, *, now: Callable[[], float] = time.time, **options) -> Diagnosis:
        tested = target(url, **options)
        with client(tested, tmp_path) as sender:

            def sound() -> Exchange:
                return sender.send(Request((("uuid", "u"),)), case="control", role="control")

            return diagnose(tested, now=now, sound=sound)

    return examine


def fault(diagnosis: Diagnosis) -> tuple[str | None, str]:
    """The side, and the sentence; one step failed, and nothing after it was looked at."""
    states = [step.state for step in diagnosis.steps]
    after = states[states.index("fail") + 1 :]
    assert after == ["skipped"] * len(after)
    assert diagnosis.problem
    assert diagnosis.problem.zh
    assert SECRET not in diagnosis.told("en") + diagnosis.told("zh")
    return diagnosis.side, str(diagnosis.problem)


def dated(body: bytes, status: int = 200, ahead: float = 0.0) -> Handler:
    """An endpoint that answers everything so, by a clock that is `ahead` of ours by so many seconds."""

    def handle(connection, _number):
        if read_request(connection):
            date = f"Date: {formatdate(time.time() + ahead, usegmt=True)}"
            connection.sendall(answer(status, body, date, "Connection: close"))

    return handle


def closed_port() -> int:
    """A port of this machine on which nothing listens any more."""
    server = TinyServer(saying(b""))
    server.close()
    return server.port


# --- TLS


@pytest.fixture(scope="module")
def sound_certificate(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """For 90 days, by an authority of our own."""
    return make_certificate(tmp_path_factory.mktemp("tls"))


def test_private_authority_that_is_given_is_well(examine, sound_certificate):
    """With the authority in cacert the line is sound: version and days are told, by one connection each."""
    with serving(dated(GOOD), sound_certificate.context) as server:
        diagnosis = examine(server.url, cacert=sound_certificate.ca)

    assert [step.state for step in diagnosis.steps] == ["ok"] * 7
    assert "TLSv1.3, certificate trusted and valid for 90 days" in diagnosis.told("en")
    assert server.connections == 3  # TCP, TLS, the request
    assert diagnosis.answered


def test_private_authority_that_is_not_given(examine, sound_certificate):
    """Without it the file lacks it, and no request is sent."""
    with serving(dated(GOOD), sound_certificate.context) as server:
        side, told = fault(examine(server.url))

    assert side == "file"
    assert "give that authority in cacert" in told
    assert server.connections == 2


def test_another_authority(examine, sound_certificate, tmp_path):
    """An authority that signed something else is told as such."""
    other = make_certificate(tmp_path)
    with serving(dated(GOOD), sound_certificate.context) as server:
        side, told = fault(examine(server.url, cacert=other.ca))

    assert (side, "give the one that signed it" in told) == ("file", True)


CERTIFICATES = {
    "expired": ({"begins": -90, "ends": -2}, "endpoint", "has expired"),
    "not yet valid": ({"begins": 2}, "clock", "is not valid yet"),
    "wrong host": ({"address": "127.0.0.9"}, "file", "is for another host than 127.0.0.1"),
    "self-signed": ({"self_signed": True}, "file", "does not come from the authority in cacert"),
}


@pytest.mark.parametrize(("options", "side", "says"), CERTIFICATES.values(), ids=CERTIFICATES)
def test_bad_certificate(examine, tmp_path, options, side, says):
    """Each thing that can be wrong with a certificate has its own sentence."""
    made = make_certificate(tmp_path, **options)
    with serving(dated(GOOD), made.context) as server:
        found = fault(examine(server.url, cacert=made.ca))

    assert found[0] == side
    assert says in found[1]


def test_self_signed_without_cacert(examine, tmp_path):
    """A self-signed certificate is one whose authority is not known."""
    with serving(dated(GOOD), make_certificate(tmp_path, self_signed=True).context) as server:
        side, told = fault(examine(server.url))

    assert (side, "give that authority in cacert" in told) == ("file", True)


def test_certificate_that_ends_soon(examine, tmp_path):
    """It is told, and stops nothing."""
    made = make_certificate(tmp_path, ends=5)
    with serving(dated(GOOD), made.context) as server:
        diagnosis = examine(server.url, cacert=made.ca)

    assert diagnosis.problem is None
    assert "expires in 5 days" in diagnosis.told("en")


@pytest.mark.filterwarnings("ignore:.*TLSv1 is deprecated:DeprecationWarning")
def test_old_tls(examine, tmp_path):
    """A server that speaks TLS 1.0 only is told to speak more."""
    made = make_certificate(tmp_path)
    made.context.set_ciphers("ALL:@SECLEVEL=0")
    made.context.minimum_version = made.context.maximum_version = ssl.TLSVersion.TLSv1
    with serving(dated(GOOD), made.context) as server:
        side, told = fault(examine(server.url, cacert=made.ca))

    assert (side, "have TLS 1.2 or 1.3 turned on" in told) == ("endpoint", True)


def http_error(connection, _number):
    """What an http server says to TLS."""
    connection.recv(65_536)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def nothing(connection, _number):
    """Take what comes, and close."""
    connection.recv(65_536)


def silence(connection, _number):
    """Take what comes and never answer."""
    while connection.recv(65_536):
        pass


@pytest.mark.parametrize(
    ("handler", "side", "says"),
    [
        (http_error, "file", "does not speak TLS; correct url"),
        (nothing, "network", "is cut before TLS is agreed"),
        (silence, "endpoint", "but no TLS within 0.3 s"),
    ],
)
def test_no_tls_at_all(examine, handler, side, says):
    """What is behind an https URL may speak http, hang up, or say nothing."""
    with serving(handler) as server:
        found = fault(examine(server.url.replace("http:", "https:"), timeout=0.3))

    assert found[0] == side
    assert says in found[1]


def test_cacert_without_a_certificate(examine, sound_certificate, tmp_path):
    """A file that holds none is named."""
    file = tmp_path / "ca.pem"
    file.write_text("this is text\n")
    with serving(dated(GOOD), sound_certificate.context) as server:
        side, told = fault(examine(server.url, cacert=file))

    assert (side, told.startswith(f"cacert {file}: it holds no certificate")) == ("file", True)


# --- the way there


def test_refused_connection(examine):
    """Where nothing listens the endpoint is to be started."""
    side, told = fault(examine(f"http://127.0.0.1:{closed_port()}{PATH}"))

    assert side == "endpoint"
    assert "nothing listens at 127.0.0.1:" in told


def test_unknown_host(examine):
    """A name that does not exist is told; where no name server answers at all, the network is at fault."""
    side, told = fault(examine(f"http://no-such-host.invalid{PATH}"))

    assert side in ("file", "network")
    assert "no-such-host.invalid" in told


def test_silent_server(examine):
    """A server that takes the request and never answers."""
    with serving(silence) as server:
        side, told = fault(examine(server.url, timeout=0.3))

    assert side == "endpoint"
    assert "no reply within 0.3 s" in told


def test_no_request_where_there_is_no_line():
    """The sound request is not made where it could not be sent."""

    def sound() -> Exchange:
        raise AssertionError

    diagnosis = diagnose(target(f"http://127.0.0.1:{closed_port()}{PATH}"), now=time.time, sound=sound)

    assert not diagnosis.answered


def test_line_alone():
    """Without a sound request only the line is looked at."""
    with serving(silence) as server:
        diagnosis = diagnose(target(server.url), now=time.time, sound=None)

    assert diagnosis.problem is None
    assert [step.state for step in diagnosis.steps] == ["ok"] * 5 + ["skipped"] * 2


def test_mistake_in_the_request_is_passed_on():
    """What the maker of the request complains of is the problem."""
    mistake = UserError("pictures.face", "give a JPEG or PNG", "请给出 JPEG 或 PNG")

    def sound() -> Exchange:
        raise mistake

    with serving(silence) as server:
        diagnosis = diagnose(target(server.url), now=time.time, sound=sound)

    assert (diagnosis.side, str(diagnosis.problem)) == ("file", str(mistake))


# --- answers that are no acceptance

ANSWERS = {
    "HTML 502": (saying(answer(502, b"<html>Bad Gateway</html>")), "endpoint", "a web page (status 502)"),
    "redirect": (
        saying(answer(301, b"", "Location: https://www.example/login?next=1")),
        "endpoint",
        "a redirect to https://www.example/login (status 301)",
    ),
    "404": (saying(answer(404, b"not here")), "endpoint", "(status 404); check that url"),
    "no HTTP": (saying(b"220 mail.example ESMTP\r\n\r\n"), "endpoint", "is no HTTP"),
    "hangs up": (saying(b""), "endpoint", "closed before a reply"),
    "half a reply": (saying(answer(200, GOOD)[:-5]), "endpoint", "in the middle of the reply"),
}


@pytest.mark.parametrize(("handler", "side", "says"), ANSWERS.values(), ids=ANSWERS)
def test_bad_answer(examine, handler, side, says):
    """Each is the endpoint's, and has its own sentence."""
    with serving(handler) as server:
        found = [step for step in examine(server.url).steps if step.state == "fail"]
        diagnosis = examine(server.url)

    assert [step.name for step in found] == ["request"]
    assert diagnosis.side == side
    assert says in found[0].en


# --- proxies


PROXIES = {
    "wants a login": (
        b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n",
        "wants a login that it knows (status 407)",
    ),
    "answers HTML": (b"HTTP/1.1 403 Forbidden\r\nContent-Type: text/html\r\n\r\n<html>", "(status 403)"),
    "is no proxy": (b"<html>\r\n\r\n", "what it answers to CONNECT is no HTTP"),
    "agrees and answers HTML": (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>welcome to this network</html>",
        "agrees to CONNECT, but no TLS comes through",
    ),
    "hangs up": (b"", "gives no answer to CONNECT"),
}


@pytest.mark.parametrize(("say", "says"), PROXIES.values(), ids=PROXIES)
def test_bad_proxy_for_https(examine, say, says):
    """What a proxy does wrong is the network's, and names the proxy without its password."""
    with serving(saying(say)) as server:
        side, told = fault(
            examine(f"https://faceid.example{PATH}", proxy=f"http://me:pass-word@127.0.0.1:{server.port}")
        )

    assert side == "network"
    assert told.startswith(f"proxy http://127.0.0.1:{server.port}: ")
    assert says in told
    assert "pass-word" not in told


@pytest.mark.parametrize(
    ("say", "says"),
    [
        (answer(407, b"<html>"), "wants a login that it knows (status 407)"),
        (answer(502, b"<html>"), "it, or the endpoint behind it, answers with a web page (status 502)"),
    ],
)
def test_bad_proxy_for_http(examine, say, says):
    """For http the proxy answers in the endpoint's place."""
    with serving(saying(say)) as server:
        diagnosis = examine(f"http://faceid.example{PATH}", proxy=f"http://127.0.0.1:{server.port}")

    assert diagnosis.side == "network"
    assert says in str(diagnosis.problem)


def test_proxy_that_is_not_there(examine):
    """A proxy that nothing listens for is the network's."""
    side, told = fault(examine(f"https://faceid.example{PATH}", proxy=f"http://127.0.0.1:{closed_port()}"))

    assert (side, "no connection to it" in told) == ("network", True)


# --- the clock


@pytest.mark.parametrize(("ahead", "says"), [(600.0, "10 minutes behind"), (-600.0, "10 minutes ahead of")])
@pytest.mark.parametrize("body", [WRONG_SIGN, EXPIRED_SIGN])
def test_clock_is_the_cause(examine, ahead, says, body):
    """A signature that is refused while the clocks differ by minutes is the clock's fault."""
    with serving(dated(body, 403, ahead)) as server:
        diagnosis = examine(server.url)

    assert diagnosis.side == "clock"
    assert f"this machine's clock is {says} the endpoint's" in str(diagnosis.problem)


@pytest.mark.parametrize(("off", "says"), [(-600.0, "10 minutes behind"), (600.0, "10 minutes ahead of")])
def test_clock_that_does_no_harm_is_told(examine, off, says):
    """As long as requests are accepted it is a warning; the local clock is an argument."""
    with serving(dated(GOOD)) as server:
        diagnosis = examine(server.url, now=lambda: time.time() + off)

    assert diagnosis.problem is None
    assert f"{says} the endpoint's; set it right" in diagnosis.told("en")


# --- the mock, and a run's own first requests


@contextmanager
def running(url: str, key: Key, directory: Path, **fields: Any) -> Iterator[Run]:
    """A run against a mock with a key."""
    tested = Target("mock", url, {"active": key}, **fields)
    terms = contract.load()
    samples = Samples(make_person(0), Pictures({}, 0), 0)
    with client(tested, directory) as sender, closing(Evidence(directory, [])) as evidence:
        yield Run(sender, terms, samples, evidence)


def demo(role: str) -> Key:
    """The demo key of a role."""
    api_key, secret = demo_keys()[role]
    return Key(api_key, Secret(secret))


KEYS = {
    "wrong secret": (Key(demo("active").api_key, Secret(SECRET)), "AUTHENTICATION_ERROR; check api_key and api_secret"),
    "unknown key": (Key("nobody", Secret(SECRET)), "AUTHENTICATION_ERROR; check api_key and api_secret"),
    "discontinued": (demo("discontinued"), "API_KEY_BE_DISCONTINUED; use a key that is in service"),
    "denied": (demo("denied"), "DENIED; have this API permitted for the key"),
    "address": (demo("ip_not_allowed"), "IP_NOT_ALLOWED; call from an allowed address"),
}


@pytest.mark.parametrize(("key", "says"), KEYS.values(), ids=KEYS)
def test_bad_key(plain_mock, tmp_path, key, says):
    """The key is at fault; a run ends with the very sentence."""
    with running(plain_mock, key, tmp_path) as run:
        diagnosis = diagnose(run.client.target, now=time.time, sound=lambda: first_control(run))
        with pytest.raises(UserError) as caught:
            find_branches(run)

    assert diagnosis.side == "key"
    assert says in str(diagnosis.problem)
    assert (str(caught.value), caught.value.zh) == (str(diagnosis.problem), diagnosis.problem.zh)


REFUSALS = {
    "wrong path": (always(404, lambda: refused("API_NOT_FOUND")), "file", "correct the path in url"),
    "page of a gateway": (always(502, lambda: "<html>Bad Gateway</html>"), "endpoint", "a web page (status 502)"),
    "page of another site": (always(200, lambda: "<html>It works!</html>"), "endpoint", "a web page (status 200)"),
    "redirect": (always(302, lambda: "", Location="/elsewhere"), "endpoint", "answers with a redirect"),
    "refusal": (always(400, lambda: refused("BAD_ARGUMENTS: sign_version")), "endpoint", "BAD_ARGUMENTS: sign_version"),
    "server error": (always(500, lambda: refused("INTERNAL_ERROR")), "endpoint", "it fails on a sound request"),
    "other limit": (always(429, lambda: "Too Many Requests"), "endpoint", "no JSON (status 429)"),
    "one permission, never given": (
        always(403, lambda: refused("AUTHORIZATION_ERROR: NO_VERIFY_PERMISSION")),
        "key",
        "NO_VERIFY_PERMISSION",
    ),
}


@pytest.mark.parametrize(("behave", "side", "says"), REFUSALS.values(), ids=REFUSALS)
def test_no_sound_request_accepted_is_no_verdict(tmp_path, behave, side, says):
    """Where no combination is accepted, however it is refused, a run ends before its cases as the doctor does."""
    with miniature(behave) as url, running(url, demo("active"), tmp_path) as run:
        diagnosis = diagnose(run.client.target, now=time.time, sound=lambda: first_control(run), others=False)
        with pytest.raises(UserError) as caught:
            find_branches(run)

    assert diagnosis.side == side
    assert says in str(diagnosis.problem)
    assert (str(caught.value), caught.value.zh) == (str(diagnosis.problem), diagnosis.problem.zh)


def only(name: str, value: str, error: str, status: int = 403) -> Callable[[miniatures.Request], None]:
    """An endpoint that accepts one value of a field, and refuses every other."""
    part = f'name="{name}"\r\n\r\n{value}\r\n'.encode()

    def behave(request: miniatures.Request) -> None:
        body = request.read()
        request.reply(200, accepted()) if part in body else request.reply(status, refused(error))

    return behave


def test_key_for_one_comparison_is_well(tmp_path):
    """A key that is denied the first combinations is no trouble where another is accepted."""
    with (
        miniature(only("comparison_type", "1", "AUTHORIZATION_ERROR: DENIED")) as url,
        running(url, demo("active"), tmp_path) as run,
    ):
        diagnosis = diagnose(run.client.target, now=time.time, sound=lambda: first_control(run), others=False)
        find_branches(run)

    assert (diagnosis.problem, run.controls.sound) == (None, 4)


@pytest.mark.parametrize("value", ["0", "1"])
def test_what_permits_leave_out_is_not_sent(tmp_path, value):
    """What the target file says that the key may not use is never sent, so that no answer to it is judged."""
    behave = only("comparison_type", value, "BAD_ARGUMENTS: comparison_type", 400)
    with (
        miniature(behave) as url,
        running(url, demo("active"), tmp_path, permits={"comparison_type": (value,)}) as run,
    ):
        diagnosis = diagnose(run.client.target, now=time.time, sound=lambda: first_control(run), others=False)
        find_branches(run)

        assert (diagnosis.problem, run.client.sent, run.controls.sound) == (None, 4, 4)
        assert not run.ledger.tally.charges
        probes = [case for case in load_cases(run.contract) if case.family == "probe"]
        verdicts = Counter(str(run.settle(case).verdict) for case in probes)
        assert verdicts == {"PASS": 4, "NOT_APPLICABLE": 4}
        assert run.client.sent == 4


def test_permits_must_leave_something(tmp_path):
    """A target file whose permits leave no combination is told so, and nothing is sent."""
    with running("http://127.0.0.1:9/", demo("active"), tmp_path, permits={"comparison_type": ()}) as run:
        with pytest.raises(UserError, match=r"permits: .*; add a value"):
            find_branches(run)

        assert run.client.sent == 0


def test_sound_request_is_sent_once(plain_mock, tmp_path):
    """The doctor's request is the first control of the run, which sends the seven others only."""
    with running(plain_mock, demo("active"), tmp_path) as run:
        diagnosis = diagnose(run.client.target, now=time.time, sound=lambda: first_control(run))
        sent = run.client.sent
        find_branches(run)

        assert (sent, run.client.sent) == (1, 8)
    assert [step.state for step in diagnosis.steps] == ["ok"] * 7


def test_key_for_one_kind_is_well(plain_mock, tmp_path):
    """A key without one permission is no trouble, as long as the run may use it otherwise."""
    for role in ("no_verify", "no_data_source"):
        with running(plain_mock, demo(role), tmp_path) as run:
            diagnosis = diagnose(run.client.target, now=time.time, sound=lambda run=run: first_control(run))
            find_branches(run)

        assert diagnosis.problem is None


def test_warnings_stay_with_the_run(tmp_path, monkeypatch):
    """What the doctor warns of before a run stands among the run's notes."""
    monkeypatch.setattr("signal.signal", lambda *_: None)  # the run's own, which would stay
    with miniature(always(200, accepted)) as url:
        suite = Suite(Options(), contract.load(), told(url), tmp_path)
        suite.begin()
        suite.close()
        suite.evidence.close()

    (note,) = suite.run.ledger.notes
    assert note.en.startswith("Warning, secrets: keys.active.api_key begins or ends with a blank")
    assert note.zh.startswith("警告，密钥：")


def told(url: str) -> Target:
    """A target whose key was copied with a blank."""
    return Target("tiny", url, {"active": Key("key ", Secret(SECRET))})
