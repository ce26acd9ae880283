"""The mock over a real socket: every error from its real cause, limits, slots, and how it starts and stops."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
from mock_service import (
    COMPARE,
    FACE,
    KYC,
    NO_FACE,
    NO_PICTURE,
    RAW,
    TWO_FACES,
    Service,
    encoded,
    portrait,
    read_reply,
    running,
    sign,
)
from PIL import Image

from biztoken import __version__, contract
from biztoken.errors import UserError
from biztoken.mock.server import Options, serve

LIMIT = contract.load().limits["body"]
TOO_LARGE = encoded(Image.new("L", (4097, 8)), "PNG")
BLURRED = encoded(portrait(blur=2))
SECRETS = "demo-secret"


@pytest.fixture(scope="module")
def mock() -> Iterator[Service]:
    """One mock with its defaults for all tests of this file."""
    with running() as service:
        yield service


@pytest.mark.parametrize(
    "fields",
    [
        KYC,
        KYC | {"image_ref1": FACE, "image_ref2": TWO_FACES},
        COMPARE | {"image_ref1": FACE},
        RAW | {"image": FACE},
        RAW | {"image": TWO_FACES, "fail_when_multiple_faces": "0"},
        COMPARE | {"image_ref1": encoded(portrait(turn=90)), "multi_oriented_detection": "1"},
        COMPARE | {"image_ref1": encoded(portrait(), "PNG")},
        KYC | {"idcard_name": "𠮷野", "biz_no": "单" * 42},
    ],
    ids=["kyc", "references", "compare", "raw", "two-faces", "turned", "png", "utf-8"],
)
def test_sound_request_gets_a_token(mock: Service, fields: dict[str, Any]) -> None:
    """A request that keeps every rule gets 200, a token and no error, unmistakably from a mock."""
    reply = mock.post(fields)
    told = reply.json()

    assert reply.status_code == 200
    assert set(told) == {"request_id", "time_used", "biz_token"}
    assert re.fullmatch(r"\d{10},mock-[0-9a-f]{32}", told["biz_token"])
    assert reply.headers["X-Biztoken-Mock"] == __version__
    assert type(told["time_used"]) is int


@pytest.mark.parametrize(
    ("fields", "status", "error"),
    [
        (KYC | {"sign": None}, 400, "MISSING_ARGUMENTS: sign"),
        (KYC | {"sign": ""}, 400, "MISSING_ARGUMENTS: sign"),
        (KYC | {"sign": "%%%"}, 400, "BAD_ARGUMENTS: sign"),
        (KYC | {"liveness_type": None}, 400, "MISSING_ARGUMENTS: liveness_type"),
        (KYC | {"sign_version": "hmac_sha256"}, 400, "BAD_ARGUMENTS: sign_version"),
        (COMPARE | {"image_ref1": FACE, "uuid": "好" * 43}, 400, "BAD_ARGUMENTS: uuid"),
        (COMPARE | {"image_ref1": NO_PICTURE}, 400, "IMAGE_ERROR_UNSUPPORTED_FORMAT:image_ref1"),
        (
            COMPARE | {"image_ref1": NO_PICTURE, "image_ref2": NO_PICTURE},
            400,
            "IMAGE_ERROR_UNSUPPORTED_FORMAT:image_ref1",
        ),
        (KYC | {"image_ref2": NO_FACE}, 400, "NO_FACE_FOUND:image_ref2"),
        (RAW | {"image": NO_FACE}, 400, "NO_FACE_FOUND:image"),
        (RAW | {"image": TOO_LARGE}, 400, "INVALID_IMAGE_SIZE:image"),
        (COMPARE | {"image_ref1": TOO_LARGE}, 400, "INVALID_IMAGE_SIZE:image_ref1"),
        (RAW | {"image": BLURRED}, 400, "LOW_QUALITY"),
        (RAW | {"image": FACE, "face_quality_threshold": "100"}, 400, "LOW_QUALITY"),
        (RAW | {"image": TWO_FACES}, 400, "MULTIPLE_FACES"),
        (
            COMPARE | {"image_ref1": encoded(portrait(turn=180)), "multi_oriented_detection": "0"},
            400,
            "NO_FACE_FOUND:image_ref1",
        ),
        (KYC | {"sign": sign(secret="another")}, 403, "AUTHENTICATION_ERROR"),
        (KYC | {"sign": sign("nobody")}, 403, "AUTHENTICATION_ERROR"),
        (KYC | {"sign": sign(expires=1_600_000_000)}, 403, "AUTHORIZATION_ERROR: EXPIRED_SIGN"),
        (KYC | {"sign": sign("discontinued")}, 403, "AUTHORIZATION_ERROR: API_KEY_BE_DISCONTINUED"),
        (KYC | {"sign": sign("denied")}, 403, "AUTHORIZATION_ERROR: DENIED"),
        (KYC | {"sign": sign("ip_not_allowed")}, 403, "AUTHORIZATION_ERROR: IP_NOT_ALLOWED"),
        (KYC | {"sign": sign("retries_exhausted")}, 403, "AUTHORIZATION_ERROR: MORE_RETRY_TIMES"),
        (KYC | {"sign": sign("quota_reached")}, 403, "AUTHORIZATION_ERROR: LIMIT_REACHED"),
        (KYC | {"sign": sign("no_data_source")}, 403, "AUTHORIZATION_ERROR: NO_DATA_SOURCE_PERMISSION"),
        (
            COMPARE | {"sign": sign("no_verify"), "image_ref1": FACE},
            403,
            "AUTHORIZATION_ERROR: NO_VERIFY_PERMISSION",
        ),
    ],
)
def test_error_comes_from_its_cause(mock: Service, fields: dict[str, Any], status: int, error: str) -> None:
    """Each row of the error table is told for its real cause, with an id and a time, and without a token."""
    reply = mock.post(fields)
    told = reply.json()

    assert (reply.status_code, told["error"]) == (status, error)
    assert set(told) == {"request_id", "time_used", "error"}


@pytest.mark.parametrize(
    ("extra", "error", "count"),
    [
        ({"image": FACE}, None, 1),
        ({"image": BLURRED}, "LOW_QUALITY", 1),
        ({"image": TWO_FACES}, "MULTIPLE_FACES", 2),
        ({"image": NO_FACE}, "NO_FACE_FOUND:image", 0),
    ],
)
def test_faces_are_told_on_success_and_with_three_errors(
    mock: Service, extra: dict[str, Any], error: str | None, count: int
) -> None:
    """With return_faces 1 the reply carries the faces of image; with 0 or without it does not."""
    asked = mock.post(RAW | extra | {"return_faces": "1"}).json()

    assert asked.get("error") == error
    assert len(asked["faces"]) == count
    for face in asked["faces"]:
        assert set(face) == {"quality", "quality_threshold", "rect", "orientation"}
        assert face["quality_threshold"] == 30
        assert set(face["rect"]) == {"left", "top", "width", "height"}
    assert "faces" not in mock.post(RAW | extra | {"return_faces": "0"}).json()
    assert "faces" not in mock.post(RAW | extra).json()


@pytest.mark.parametrize(
    "fields",
    [
        KYC | {"return_faces": "1"},
        RAW | {"image": NO_PICTURE, "return_faces": "1"},
        RAW | {"image": FACE, "image_ref1": NO_FACE, "return_faces": "1"},
        RAW | {"image": FACE, "return_faces": "1", "verbose": "9"},
    ],
)
def test_faces_are_not_told_elsewhere(mock: Service, fields: dict[str, Any]) -> None:
    """Without raw_image, and with an error that is not about the faces of image, there are none to tell."""
    assert "faces" not in mock.post(fields).json()


def test_single_use_sign_works_once(mock: Service) -> None:
    """A sign with expiry 0 is refused when it comes again; one with an expiry may come again until then."""
    once, again = sign(expires=0), sign()

    assert [mock.tell(KYC | {"sign": once}) for _ in range(2)] == [
        (200, None),
        (403, "AUTHORIZATION_ERROR: INVALID_SIGN"),
    ]
    assert [mock.tell(KYC | {"sign": again}) for _ in range(2)] == [(200, None)] * 2


def test_ids_are_unique(mock: Service) -> None:
    """No two replies share a request_id or a token."""
    told = [mock.post(KYC).json() for _ in range(50)]

    assert len({reply["request_id"] for reply in told} | {reply["biz_token"] for reply in told}) == 100


def test_time_used_is_never_longer_than_the_caller_waited(mock: Service) -> None:
    """The time is that of the mock alone, rounded down, and takes in the look at a new picture."""
    data = encoded(portrait(side=277))
    started = time.perf_counter()
    told = mock.post(COMPARE | {"image_ref1": data}).json()
    waited = (time.perf_counter() - started) * 1000

    assert 1 <= told["time_used"] <= waited


@pytest.mark.parametrize(("method", "path"), [("POST", "/"), ("POST", "/faceid/v3/sdk/get_biz_token/"), ("GET", None)])
def test_what_is_no_api_is_not_found(mock: Service, method: str, path: str | None) -> None:
    """Another path, or another method on the path, is no API of the contract."""
    url = mock.url if path is None else mock.url.replace("/faceid/v3/sdk/get_biz_token", path)

    reply = requests.request(method, url, timeout=30)

    assert (reply.status_code, reply.json()["error"]) == (404, "API_NOT_FOUND")


@pytest.mark.parametrize(
    "sent", [{"data": {"sign": "x"}}, {"json": {"sign": "x"}}, {"data": b""}, {"params": {"sign": "x"}}]
)
def test_fields_are_looked_for_in_form_data_only(mock: Service, sent: dict[str, Any]) -> None:
    """An urlencoded or JSON body, an empty one and a query string carry no field."""
    reply = requests.post(mock.url, timeout=30, **sent)

    assert (reply.status_code, reply.json()["error"]) == (400, "MISSING_ARGUMENTS: sign")


def test_query_string_is_ignored(mock: Service) -> None:
    """A query behind the path does not make it another API."""
    files = {name: (None, value) for name, value in (KYC | {"sign": sign()}).items()}

    assert requests.post(mock.url + "?a=1", files=files, timeout=30).status_code == 200


def test_http_1_0_is_answered_and_closed(mock: Service) -> None:
    """A client of HTTP/1.0 gets its answer, and the end of the connection."""
    with mock.connect() as connection:
        connection.sendall(mock.request(KYC, version="1.0"))
        head, _, content = read_reply(connection).partition(b"\r\n\r\n")

    assert b" 200 " in head.splitlines()[0]
    assert "biz_token" in json.loads(content)


def test_chunked_body_is_read(mock: Service) -> None:
    """A body in chunks, cut anywhere, is read as one."""
    content = mock.request(KYC).partition(b"\r\n\r\n")[2]
    with mock.connect() as connection:
        connection.sendall(mock.head(-1, extra="Connection: close\r\n"))
        for start in range(0, len(content), 100):
            piece = content[start : start + 100]
            connection.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
        connection.sendall(b"0\r\n\r\n")

        assert b" 200 OK" in read_reply(connection)


def test_expected_body_is_asked_for(mock: Service) -> None:
    """With Expect: 100-continue the mock asks for the body before it answers."""
    content = mock.request(KYC).partition(b"\r\n\r\n")[2]
    with mock.connect() as connection:
        connection.sendall(mock.head(len(content), extra="Expect: 100-continue\r\nConnection: close\r\n"))
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(content)

        assert b" 200 OK" in read_reply(connection)


def is_413(reply: bytes) -> bool:
    """Whether a whole reply is the documented 413."""
    head, _, content = reply.partition(b"\r\n\r\n")
    lines = head.lower().splitlines()
    return (
        lines[0].startswith(b"http/1.1 413")
        and b"connection: close" in lines
        and any(line.startswith(b"content-type: text/plain") for line in lines)
        and content == b"Request Entity Too Large"
    )


def test_largest_legal_body_is_read(mock: Service) -> None:
    """A body of exactly the limit is no error; the filler is an unknown field."""
    room = LIMIT - len(mock.request(KYC | {"filler": ""}).partition(b"\r\n\r\n")[2])

    assert mock.tell(KYC | {"filler": "x" * room}) == (200, None)


def test_413_is_told_to_a_client_that_sends_all_first(mock: Service) -> None:
    """A client that reads only after it has sent everything gets the answer, not a reset."""
    with mock.connect() as connection:
        connection.sendall(mock.request(KYC | {"filler": "x" * (LIMIT + 1_000_000)}))

        assert is_413(read_reply(connection))


def test_413_comes_before_the_body(mock: Service) -> None:
    """The length alone decides: the answer is there before a byte of the body was sent."""
    with mock.connect() as connection:
        connection.sendall(mock.head(LIMIT + 1))

        assert connection.recv(4096).startswith(b"HTTP/1.1 413")


def test_413_spares_a_client_that_asks(mock: Service) -> None:
    """With Expect: 100-continue a body that is too large is refused, and never asked for."""
    with mock.connect() as connection:
        connection.sendall(mock.head(LIMIT + 1, extra="Expect: 100-continue\r\n"))

        assert is_413(read_reply(connection))


def test_413_for_a_chunked_body(mock: Service) -> None:
    """A body of unknown length is refused as soon as it is over the limit, and the rest of it is taken."""
    chunk = b"%x\r\n%s\r\n" % (1_000_000, bytes(1_000_000))
    with mock.connect() as connection:
        connection.sendall(mock.head(-1))
        for _ in range(LIMIT // 1_000_000 + 5):
            connection.sendall(chunk)
        connection.sendall(b"0\r\n\r\n")

        assert is_413(read_reply(connection))


def test_body_over_the_limit_is_not_held(mock: Service) -> None:
    """60 MB that are refused do not make the mock grow by more than a body that is legal may."""
    status = Path(f"/proc/{mock.process.pid}/status")
    if not status.exists():
        pytest.skip("needs /proc")
    peak = re.compile(r"VmHWM:\s+(\d+) kB")
    before = int(peak.findall(status.read_text())[0])
    with mock.connect() as connection:
        connection.sendall(mock.head(60_000_000))
        for _ in range(60):
            connection.sendall(bytes(1_000_000))
        assert is_413(read_reply(connection))

    assert int(peak.findall(status.read_text())[0]) - before < 30_000


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 1000,
        b"--",
        b"--x\r\n\r\n--x--",
        b"\r\n\r\n" * 100,
        b'--x\r\nContent-Disposition: form-data; name="',
    ],
)
@pytest.mark.parametrize(
    "kind", ["multipart/form-data; boundary=x", "multipart/form-data", "\xff", "multipart/form-data; boundary="]
)
def test_broken_body_is_no_internal_error(mock: Service, content: bytes, kind: str) -> None:
    """What cannot be read as a form has no fields; it is answered as such, never with 500."""
    reply = requests.post(mock.url, data=content, headers={"Content-Type": kind.encode("latin-1")}, timeout=30)

    assert (reply.status_code, reply.json()["error"]) == (400, "MISSING_ARGUMENTS: sign")


def test_client_that_leaves_early_is_nobodys_trouble(mock: Service) -> None:
    """A connection that ends within head or body leaves the mock as it was."""
    request = mock.request(KYC)
    for cut in (10, len(request) - 10):
        with mock.connect() as connection:
            connection.sendall(request[:cut])

    assert mock.tell(KYC) == (200, None)


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A mock that takes its time, with a key for three calls at once, one for two calls in all, no single use."""
    path = tmp_path_factory.mktemp("keys") / "keys.yaml"
    secret = "demo-secret-of-{}".format
    keys = [
        {"api_key": "demo-three", "api_secret": secret("three"), "concurrency": 3},
        {"api_key": "demo-two", "api_secret": secret("two"), "quota": 2},
    ]
    path.write_text(json.dumps({"keys": keys}), "utf-8")
    with running(keys=path, latency="500ms", single_use=False) as service:
        yield service


def burst(service: Service, count: int, fields: dict[str, Any]) -> list[tuple[int, str | None]]:
    """Send requests at once; their statuses and errors."""
    connections = [service.connect() for _ in range(count)]
    for connection in connections:
        connection.sendall(service.request(fields | {"sign": sign("three")}, extra="Connection: close\r\n"))
    replies = [read_reply(connection) for connection in connections]
    for connection in connections:
        connection.close()
    told = [json.loads(reply.partition(b"\r\n\r\n")[2]).get("error") for reply in replies]
    return [(int(reply.split()[1]), error) for reply, error in zip(replies, told, strict=True)]


def test_as_many_as_the_limit_are_served_at_once(slow: Service) -> None:
    """Three of a burst of five are served, two refused; the slots are free again, after refused arguments too."""
    expected = [(200, None)] * 3 + [(403, "CONCURRENCY_LIMIT_EXCEEDED")] * 2

    assert sorted(burst(slow, 5, KYC)) == expected
    assert sorted(burst(slow, 3, KYC | {"verbose": "9"})) == [(400, "BAD_ARGUMENTS: verbose")] * 3
    assert sorted(burst(slow, 5, KYC)) == expected


def test_slots_come_back_when_clients_leave(slow: Service) -> None:
    """Clients that hang up while they are served take their slots with them for no longer than the call lasts."""
    for _ in range(3):
        with slow.connect() as connection:
            connection.sendall(slow.request(KYC | {"sign": sign("three")}))
    deadline = time.monotonic() + 10
    while slow.tell(KYC | {"sign": sign("three")})[0] != 200:
        assert time.monotonic() < deadline, "the slots never came back"


def test_latency_shows_in_time_used(slow: Service) -> None:
    """A call takes as long as the latency says, and tells so."""
    told = slow.post(KYC | {"sign": sign("three")}).json()

    assert 490 <= told["time_used"] < 5000


def test_quota_counts_calls_that_were_let_in(slow: Service) -> None:
    """A key for two calls gets two answers; then the limit is reached. Calls with a bad sign do not count."""
    told = [slow.tell(KYC | {"sign": sign("two", secret="wrong" if number == 0 else None)})[1] for number in range(4)]

    assert told == ["AUTHENTICATION_ERROR", None, None, "AUTHORIZATION_ERROR: LIMIT_REACHED"]


def test_expiry_0_is_past_where_single_use_is_off(slow: Service) -> None:
    """Without the switch a sign with expiry 0 has expired like any other time that has passed."""
    assert slow.tell(KYC | {"sign": sign("three", expires=0)}) == (403, "AUTHORIZATION_ERROR: EXPIRED_SIGN")


def test_pictures_do_not_stop_the_others(mock: Service) -> None:
    """While new pictures are looked at, a request without one is answered at once."""
    new = [encoded(portrait(side=side)) for side in range(301, 305)]
    with ThreadPoolExecutor(8) as threads:
        looked = [threads.submit(requests.post, mock.url, files=files(data), timeout=60) for data in new]
        assert mock.tell(KYC) == (200, None)
        assert [reply.result().status_code for reply in looked] == [200] * 4


def files(picture: bytes) -> dict[str, Any]:
    """A comparison for requests."""
    return {name: (None, value) for name, value in (COMPARE | {"sign": sign()}).items()} | {
        "image_ref1": ("a.jpg", picture)
    }


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_ends_it_with_0(number: signal.Signals) -> None:
    """SIGINT and SIGTERM are the ordinary ways to stop, and no failure."""
    with running() as service:
        service.process.send_signal(number)

        assert service.process.wait(20) == 0


def test_killed_parent_leaves_no_orphan() -> None:
    """A mock that watches its standard input ends when a parent that was killed can no longer stop it."""
    script = (
        "import subprocess, sys, time\n"
        "from mock_service import _RUN\n"
        "p = subprocess.Popen([sys.executable, '-c', _RUN, '{}'], stdin=subprocess.PIPE, stdout=subprocess.PIPE)\n"
        "print(p.stdout.readline().decode().strip(), p.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parent
    )
    assert parent.stdout
    _, pid = parent.stdout.readline().split()
    parent.kill()
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 20
    while is_alive(int(pid)):
        assert time.monotonic() < deadline, "the mock outlived its parent"


def is_alive(pid: int) -> bool:
    """Whether a process still runs; one that nobody waited for does not."""
    try:
        os.kill(pid, 0)
        stat = Path(f"/proc/{pid}/stat")
        return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 and its key."""
    from datetime import UTC, datetime, timedelta  # noqa: PLC0415 - only here
    from ipaddress import ip_address  # noqa: PLC0415

    from cryptography import x509  # noqa: PLC0415
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mock")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    directory = tmp_path_factory.mktemp("tls")
    cert_file, key_file = directory / "cert.pem", directory / "key.pem"
    cert_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    key_file.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
    return cert_file, key_file


def test_https(certificate: tuple[Path, Path]) -> None:
    """With a certificate the mock speaks HTTPS, and says so in its URL."""
    with running(tls_cert=certificate[0], tls_key=certificate[1]) as service:
        assert service.url.startswith("https://127.0.0.1:")
        form = {name: (None, value) for name, value in (KYC | {"sign": sign()}).items()}
        assert requests.post(service.url, files=form, verify=str(certificate[0]), timeout=30).status_code == 200
        context = ssl.create_default_context(cafile=str(certificate[0]))
        with context.wrap_socket(service.connect(), server_hostname="127.0.0.1") as connection:
            connection.sendall(service.head(LIMIT + 1) + bytes(100_000))
            assert connection.recv(4096).startswith(b"HTTP/1.1 413")


def mistake(**options: Any) -> UserError:
    """What starting with these options raises."""
    with pytest.raises(UserError) as raised:
        serve(Options(**options), announce=pytest.fail)
    assert "\n" not in str(raised.value)
    assert raised.value.zh
    return raised.value


def test_port_in_use_is_told() -> None:
    """A port that is taken is named."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        assert str(port) in mistake(port=port).what


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"host": "0.0.0.0"}, "host 0.0.0.0"),
        ({"host": "::"}, "host ::"),
        ({"host": "no such host"}, "no such host"),
        ({"port": 70000}, "70000"),
        ({"latency": "soon"}, "latency soon"),
        ({"keys": Path("none.yaml")}, "none.yaml"),
        ({"faults": Path("none.yaml")}, "none.yaml"),
        ({"contract": Path("/nowhere")}, "/nowhere"),
        ({"tls_cert": Path("cert.pem")}, "tls-key"),
        ({"tls_cert": Path(__file__), "tls_key": Path(__file__)}, "tls-cert"),
    ],
)
def test_bad_option_is_told_in_one_sentence(options: dict[str, Any], named: str) -> None:
    """A mistake in an option names it before anything listens."""
    assert named in mistake(**options).what


def test_public_address_needs_consent() -> None:
    """With the explicit flag the mock listens where others can reach it."""
    with running(host="0.0.0.0", allow_public=True) as service:
        assert service.url.startswith("http://0.0.0.0:")


def test_changed_contract_changes_the_mock(tmp_path: Path) -> None:
    """A range is edited in one file, and the mock follows: nothing of it is written anywhere else."""
    for name in ("get_biz_token.yaml", "clauses.yaml"):
        text = Path(contract.bundled("openapi"), name).read_text("utf-8")
        text = text.replace("x-maximum: 60\n", "x-maximum: 61\n").replace(
            '"BAD_ARGUMENTS: {detail}"', '"BAD_ARGUMENTS:{detail}"'
        )
        (tmp_path / name).write_text(text, "utf-8")
    with running(contract=tmp_path) as service:
        assert service.tell(KYC | {"liveness_timeout": "61"}) == (200, None)
        assert service.tell(KYC | {"liveness_timeout": "62"}) == (400, "BAD_ARGUMENTS:liveness_timeout")


def test_bug_is_told_as_internal_error(tmp_path: Path) -> None:
    """An exception of ours is INTERNAL_ERROR with 500, and one line on stderr that names no value."""
    script = (
        "import sys\nfrom biztoken.mock import rules\n"
        "def bug(*_):\n    raise ValueError('demo-secret')\n"
        "rules.values = bug\nfrom mock_service import _RUN\nsys.argv[1:] = ['{}']\nexec(_RUN)\n"
    )
    log = tmp_path / "log"
    with log.open("w") as stream:
        process = subprocess.Popen(
            [sys.executable, "-c", script],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stream, text=True, cwd=Path(__file__).parent,
        )  # fmt: skip
        assert process.stdout
        service = Service(process.stdout.readline().strip(), process)
        assert service.tell(KYC) == (500, "INTERNAL_ERROR")
        service.close()

    told = log.read_text()
    assert told.count("\n") == 1
    assert "ValueError" in told
    assert SECRETS not in told
