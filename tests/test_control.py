"""The control path: what it tells fits its OpenAPI document, what it does shows in the answers, and who may ask."""

from __future__ import annotations

import json
import re
import shlex
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from jsonschema import Draft202012Validator
from mock_service import BOUNDARY, FACE, KYC, RAW, Service, body, read_reply, running, sign
from openapi_spec_validator import validate

from biztoken import contract
from biztoken.mock.catalogue import catalogue
from biztoken.mock.doorman import denial
from biztoken.multipart import PROBLEMS

DOCUMENT = yaml.safe_load((contract.bundled("openapi") / "control.yaml").read_text("utf-8"))
CONTRACT = contract.load()
PAGE = Path(contract.__file__).parent / "mock" / "page"
PATIENCE = 20


class Code(str):
    """An expression for the process that serves."""

    def __repr__(self) -> str:
        return str(self)


EXAMINER = Code("__import__('biztoken.examiner').examiner.Examiner()")


class Desk:
    """The control path of a mock, each reply held to the document."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.place = "http://{}:{}/_biztoken".format(*service.address)

    def get(self, path: str, operation: str | None = None, **options: Any) -> requests.Response:
        """Look."""
        return self._held("get", path, operation, **options)

    def post(self, path: str, told: Any, **options: Any) -> requests.Response:
        """Act."""
        return self._held("post", path, None, json=told, **options)

    def clear(self) -> None:
        """Forget everything."""
        assert self.post("/api/clear", {}).status_code == 200

    def entry(self, number: int = -1) -> dict[str, Any]:
        """All of an entry, by its place in the list."""
        rows = self.get("/api/entries").json()["entries"]
        return self.get(f"/api/entries/{rows[number]['id']}", "/api/entries/{id}").json()

    def _held(self, method: str, path: str, operation: str | None, **options: Any) -> requests.Response:
        reply = requests.request(method, self.place + path, timeout=PATIENCE, **options)
        documented = DOCUMENT["paths"].get(operation or path.partition("?")[0])
        if documented:
            told = documented[method]["responses"][str(reply.status_code)]
            told = resolve(told)
            media_type = reply.headers["Content-Type"]
            assert media_type in told["content"]
            if media_type == "application/json":
                schema = {**told["content"][media_type]["schema"], "components": DOCUMENT["components"]}
                Draft202012Validator(schema).validate(reply.json())
        return reply


def resolve(value: dict[str, Any]) -> dict[str, Any]:
    """What a reference leads to."""
    if "$ref" not in value:
        return value
    found: Any = DOCUMENT
    for word in value["$ref"].removeprefix("#/").split("/"):
        found = found[word]
    return found


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """One mock with a journal for all tests of this file."""
    with running(journal=tmp_path_factory.mktemp("journal"), lint=EXAMINER) as service:
        yield Desk(service)


@pytest.fixture
def desk(started: Desk) -> Desk:
    """The same, emptied."""
    started.clear()
    return started


# --- the document


def test_the_document_is_valid_and_no_part_of_the_contract(tmp_path: Path) -> None:
    """It is OpenAPI 3.1; the contract reads as before without it."""
    validate(DOCUMENT)
    for name in ("get_biz_token.yaml", "clauses.yaml"):
        (tmp_path / name).write_bytes((contract.bundled("openapi") / name).read_bytes())

    again = contract.load(tmp_path)
    for one in fields(CONTRACT):
        assert getattr(again, one.name) == getattr(CONTRACT, one.name), one.name


def test_the_mock_serves_the_document(desk: Desk) -> None:
    """Whoever finds the path finds what it can do."""
    assert yaml.safe_load(desk.get("/openapi.yaml").text) == DOCUMENT


# --- the journal


def test_status(desk: Desk) -> None:
    """Where the endpoint is, and that requests are judged."""
    told = desk.get("/api/status").json()

    assert told["url"] == desk.service.url
    assert (told["contract"], told["judges"], told["entries"]) == (CONTRACT.version, True, 0)


def test_an_entry_is_told_whole(desk: Desk) -> None:
    """Fields, structure, sign, answer, findings and two curl lines."""
    desk.service.post(RAW | {"image": FACE, "bizno": "1"})

    row = judged(desk)
    told = desk.get(f"/api/entries/{row['id']}", "/api/entries/{id}").json()

    assert (row["status"], row["end"], row["liveness_type"]) == (200, "answered", "raw_image")
    assert told["request"]["sign"]["digest"] == "right"
    assert "unknown-field" in [finding["id"] for finding in told["findings"]]
    findings = desk.get(f"/api/entries/{row['id']}/findings", "/api/entries/{id}/findings").json()
    assert findings == {"findings": told["findings"]}


def judged(desk: Desk) -> dict[str, Any]:
    """The row of the newest request, once it has been judged."""
    told = desk.get("/api/entries").json()
    for _ in range(20):
        if told["entries"] and told["entries"][-1]["findings"] is not None:
            break
        told = desk.get(f"/api/entries?wait=5&after={told['cursor']}").json()
    return told["entries"][-1]


def test_changes_can_be_waited_for(desk: Desk) -> None:
    """A reply that waits comes with the next request, and goes on where the last one ended."""
    cursor = desk.get("/api/entries").json()["cursor"]
    with subprocess.Popen(
        ["curl", "-sS", f"{desk.place}/api/entries?wait=20&after={cursor}"], stdout=subprocess.PIPE
    ) as waiting:
        desk.service.post(KYC)
        assert waiting.stdout
        told = json.loads(waiting.stdout.read())

    assert told["entries"][0]["method"] == "POST"
    assert told["cursor"] > cursor


def test_waiting_ends_without_a_request(desk: Desk) -> None:
    """It returns nothing after its time."""
    cursor = desk.get("/api/status").json()["cursor"]

    assert desk.get(f"/api/entries?wait=0.05&after={cursor}").json() == {"cursor": cursor, "entries": []}


def test_a_list_can_be_read_in_pieces(desk: Desk) -> None:
    """None is passed over, none comes twice."""
    for _ in range(5):
        desk.service.post(KYC)
    judged(desk)
    cursor, seen = 1, []
    while rows := (told := desk.get(f"/api/entries?limit=2&after={cursor}").json())["entries"]:
        cursor, seen = told["cursor"], seen + [row["id"] for row in rows]

    assert len(seen) == len(set(seen)) == 5


def test_bytes_are_given_out_as_they_came(desk: Desk) -> None:
    """On request, and only then: as on the wire, or the body alone."""
    sent = desk.service.request(KYC | {"sign": sign()}, extra="Connection: close\r\n")
    with desk.service.connect() as connection:
        connection.sendall(sent)
        read_reply(connection)
    number = desk.entry()["id"]

    raw = desk.get(f"/api/entries/{number}/raw", "/api/entries/{id}/raw")
    content = desk.get(f"/api/entries/{number}/body", "/api/entries/{id}/body")

    assert raw.content == sent
    assert sent.endswith(b"\r\n\r\n" + content.content)
    assert raw.headers["Content-Disposition"].startswith("attachment")


@pytest.mark.parametrize("path", ["/api/entries/999999", "/api/entries/x", "/api/entries/٣", "/api/entries/1/x", "/x"])
def test_what_is_not_there_is_told(desk: Desk, path: str) -> None:
    """In two languages, with a word for programs."""
    reply = desk.get(path)

    assert reply.status_code == 404
    assert set(reply.json()["message"]) == {"en", "zh"}


def test_the_bytes_of_a_forgotten_entry_are_gone(desk: Desk) -> None:
    """Clearing takes entry and bytes."""
    desk.service.post(KYC)
    number = desk.entry()["id"]
    desk.post("/api/clear", {"what": ["entries"]})

    assert desk.get(f"/api/entries/{number}/raw", "/api/entries/{id}/raw").status_code == 404
    assert desk.get("/api/entries").json()["entries"] == []


@pytest.mark.parametrize("query", ["after=x", "wait=-1", "limit=1e9", "after=9999999999999999999"])
def test_a_number_that_is_none_is_told(desk: Desk, query: str) -> None:
    """It is named as it was written."""
    assert query.partition("=")[0] in desk.get(f"/api/entries?{query}").json()["message"]["en"]


def test_a_judge_that_fails_does_no_harm(tmp_path: Path) -> None:
    """The request is answered and kept; only its findings are missing, and a line says so without a word of it."""
    broken = Code("__import__('operator').truediv")
    with running(journal=tmp_path, lint=broken) as service:
        broken_desk = Desk(service)
        assert service.post(KYC).status_code == 200
        assert broken_desk.entry()["findings"] is None


# --- curl


def test_the_curl_line_repeats_the_bytes(desk: Desk) -> None:
    """Run in a shell, it sends the same body again, whatever stands in it."""
    strange = body(KYC | {"biz_no": "it's $(id) `id` \"\\ 订单", "sign": sign()})
    kind = f"multipart/form-data; boundary={BOUNDARY}; x='$(id)'"
    requests.post(desk.service.url, data=strange, headers={"Content-Type": kind}, timeout=PATIENCE)
    line = desk.entry()["curl"]["again"]

    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=True, timeout=PATIENCE)

    assert '"biz_token"' in done.stdout
    first, second = (desk.entry(number) for number in (0, 1))
    bodies = [desk.get(f"/api/entries/{entry['id']}/body", "/api/entries/{id}/body") for entry in (first, second)]
    assert bodies[0].content == bodies[1].content == strange
    assert [value for name, value in second["request"]["headers"] if name == "Content-Type"] == [kind]


def test_the_other_curl_line_makes_a_new_sign(desk: Desk) -> None:
    """Private values are variables, pictures files; the words of a shell are what they were."""
    desk.service.post(RAW | {"image": FACE, "biz_no": "it's $(id)"})

    words = shlex.split(desk.entry()["curl"]["anew"])

    assert words[:3] == ["curl", "-sS", "-i"]
    assert {"sign=$(biztoken sign)", "biz_no=it's $(id)", "idcard_name=$IDCARD_NAME", "image=@image.jpg"} <= set(words)


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/"), ("DELETE", "/x?y=$(id)"), ("GET", "/'$(touch${IFS}pwned)'")]
)
def test_requests_without_a_body_are_repeated(desk: Desk, tmp_path: Path, method: str, path: str) -> None:
    """Method and path as they came; nothing in them is run."""
    host, port = desk.service.address
    with socket.create_connection((host, port), PATIENCE) as connection:
        connection.sendall(f"{method} {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode())
        read_reply(connection)

    line = desk.entry()["curl"]["again"]
    done = subprocess.run(["bash", "-c", line], cwd=tmp_path, capture_output=True, check=True, timeout=PATIENCE)

    assert b"API_NOT_FOUND" in done.stdout
    assert list(tmp_path.iterdir()) == []
    assert [desk.entry(number)["request"]["method"] for number in (0, 1)] == [method] * 2


# --- answers


def test_everything_can_be_chosen(desk: Desk) -> None:
    """Every error with each reason, every fault and variation, and what happens on the line; each is accepted."""
    told = desk.get("/api/answers").json()["choosable"]
    names = {group: {row["name"] for row in told if row["group"] == group} for group in ("error", "fault", "variation")}
    known = catalogue(CONTRACT)
    errors = {
        f"{row.name}: {reason}" if reason else row.name
        for row in CONTRACT.errors.values()
        for reason in row.reasons or ("",)
    }

    assert names == {"error": errors, "fault": set(known.faults), "variation": set(known.variations)}
    assert len({row["name"] for row in told}) == len(told)
    assert all(row["message"]["en"] and row["message"]["zh"] for row in told)
    reply = desk.post("/api/answers/next", {"answers": [row["name"] for row in told]})
    assert [chosen["name"] for chosen in reply.json()["next"]] == [row["name"] for row in told]


@pytest.mark.parametrize("name", list(CONTRACT.errors))
def test_a_chosen_error_comes_as_the_contract_prints_it(desk: Desk, name: str) -> None:
    """With its status, its text, and JSON or not, to a sound request."""
    desk.post("/api/answers/next", {"answers": [name]})
    row = CONTRACT.errors[name]

    reply = desk.service.post(KYC)

    told = reply.text if row.body == "text" else reply.json()["error"]
    assert reply.status_code == row.status
    assert re.fullmatch(re.escape(row.text).replace(r"\{detail\}", ".+"), told)
    assert desk.entry()["answer"]["chosen"] == name


def test_answers_are_used_up_in_order_and_shown(desk: Desk) -> None:
    """What is left shows, and what stands for all others."""
    desk.post("/api/answers/always", {"answer": "LOW_QUALITY"})
    desk.post("/api/answers/next", {"answers": ["INTERNAL_ERROR", {"status": 502, "body": "busy"}]})

    statuses = [desk.service.post(KYC).status_code]
    left = desk.get("/api/answers").json()
    statuses += [desk.service.post(KYC).status_code for _ in range(3)]

    assert statuses == [500, 502, 400, 400]
    assert left["next"] == [{"name": '{"status": 502, "body": "busy"}'}]
    assert left["always"] == {"name": "LOW_QUALITY"}
    assert desk.post("/api/answers/always", {"answer": None}).json()["always"] is None
    assert desk.service.post(KYC).status_code == 200


@pytest.mark.parametrize(
    ("path", "told", "hint"),
    [
        ("/api/answers/next", {"answers": ["INTERNAL_EROR"]}, "INTERNAL_ERROR"),
        ("/api/answers/next", {"answers": [{"statu": 500}]}, "status"),
        ("/api/answers/next", {"answers": "INTERNAL_ERROR"}, "name"),
        ("/api/answers/next", {"answers": [7]}, "name"),
        ("/api/answers/next", {}, "name"),
        ("/api/answers/next", {"answers": ["success"] * 10_001}, "10000"),
        ("/api/answers/always", {"answer": 7}, "name"),
        ("/api/clear", {"what": "everything"}, "entries"),
        ("/api/clear", [], "JSON object"),
        ("/api/answers/next", {"answers": [{"body": "\ud800"}]}, "UTF-8"),
    ],
)
def test_a_slip_is_told_and_changes_nothing(desk: Desk, path: str, told: Any, hint: str) -> None:
    """One sentence in two languages, with the way out."""
    reply = desk.post(path, told)

    assert reply.status_code == 400
    assert hint in reply.json()["message"]["en"]
    assert desk.get("/api/answers").json()["next"] == []


@pytest.mark.parametrize(
    ("data", "status"), [(b"{", 400), (b"\xff", 400), (b"", 400), (b"[" * 200_000, 400), (b" " * 1_100_000, 413)]
)
def test_what_is_no_json_is_refused(desk: Desk, data: bytes, status: int) -> None:
    """Whatever it is, the mock goes on."""
    headers = {"Content-Type": "application/json"}
    reply = desk.get("/api/status")
    refused = requests.post(f"{desk.place}/api/clear", data=data, headers=headers, timeout=PATIENCE)

    assert (reply.status_code, refused.status_code) == (200, status)


# --- as it happens


def events(desk: Desk, is_last: Callable[[str, Any], bool], **headers: str) -> list[tuple[str, Any]]:
    """The events of the stream up to the last one wanted, a request being sent after the first.

    How many come between is open: what changes again before it was told is told once.
    """
    found: list[tuple[str, Any]] = []
    with requests.get(f"{desk.place}/api/events", stream=True, headers=headers, timeout=PATIENCE) as reply:
        assert reply.headers["Content-Type"].startswith("text/event-stream")
        name, end = "", time.monotonic() + PATIENCE  # a stream that tells nothing new is kept open by comments
        for line in reply.iter_lines(chunk_size=1, decode_unicode=True):
            assert time.monotonic() < end, found
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: "):
                found.append((name, json.loads(line.removeprefix("data: "))))
                if is_last(*found[-1]):
                    return found
                if len(found) == 1:
                    desk.service.post(KYC)
    raise AssertionError(f"the stream ended: {found}")


def test_the_stream_tells_what_happens_when_it_happens(desk: Desk) -> None:
    """First what is chosen, then the request, its answer and its findings, each a row of the document."""
    told = events(desk, lambda name, row: name == "entry" and row["findings"] is not None)
    schema = {"$ref": "#/components/schemas/Summary", "components": DOCUMENT["components"]}

    assert told[0] == ("answers", {"next": [], "always": None})
    assert {name for name, _ in told[1:]} == {"entry"}
    for _, row in told[1:]:
        Draft202012Validator(schema).validate(row)
    assert told[-1][1]["status"] == 200


def test_the_stream_goes_on_where_it_broke_off(desk: Desk) -> None:
    """Who comes again with the number of the last event gets only what is new."""
    desk.service.post(KYC)
    judged(desk)
    before = desk.get("/api/entries").json()

    (first, second) = events(desk, lambda name, _: name == "entry", **{"Last-Event-ID": str(before["cursor"])})

    assert first[0] == "answers"
    assert second[1]["id"] > before["entries"][-1]["id"]


# --- who may ask


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("GET", {}, 200),
        ("GET", {"Host": "localhost"}, 200),
        ("GET", {"Host": "evil.example"}, 403),
        ("GET", {"Host": "127.0.0.1.evil.example:80"}, 403),
        ("GET", {"Origin": "http://evil.example"}, 403),
        ("GET", {"Origin": "null"}, 403),
        ("GET", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}, 403),
        ("GET", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, 200),
        ("POST", {}, 200),
        ("POST", {"Origin": "http://evil.example"}, 403),
        ("POST", {"Sec-Fetch-Site": "same-site"}, 403),
        ("POST", {"Content-Type": "text/plain"}, 415),
        ("POST", {"Content-Type": "application/x-www-form-urlencoded"}, 415),
        ("OPTIONS", {"Origin": "http://evil.example"}, 403),
        ("PUT", {}, 405),
    ],
)
def test_only_this_machine_and_its_own_page_may_ask(
    desk: Desk, method: str, headers: dict[str, str], status: int
) -> None:
    """No web page elsewhere can read or drive the mock, not even by a name of its own that leads here."""
    path = "/api/clear" if method == "POST" else "/api/status"
    sent = {"Content-Type": "application/json"} | headers

    reply = requests.request(method, desk.place + path, data="{}", headers=sent, timeout=PATIENCE)

    assert reply.status_code == status
    assert "Access-Control-Allow-Origin" not in reply.headers


@pytest.mark.parametrize(
    ("peer", "is_public", "allowed"),
    [
        ("127.0.0.1", False, True),
        ("127.8.8.8", False, True),
        ("::1", False, True),
        ("::ffff:127.0.0.1", False, True),
        ("192.0.2.7", False, False),
        ("::ffff:192.0.2.7", False, False),
        ("192.0.2.7", True, True),
        ("", False, False),
    ],
)
def test_others_may_ask_only_where_that_is_allowed(peer: str, is_public: bool, allowed: bool) -> None:
    """A mock that listens for others keeps its journal to itself all the same."""
    scope = {"method": "GET", "scheme": "http", "client": (peer, 1), "headers": [(b"host", b"192.0.2.1:8080")]}

    assert (denial(scope, is_public=is_public) is None) is allowed


def test_a_mock_without_a_journal_has_no_control_path() -> None:
    """There it is a path like any other."""
    with running() as service:
        reply = requests.get("http://{}:{}/_biztoken/".format(*service.address), timeout=PATIENCE)

    assert (reply.status_code, reply.json()["error"]) == (404, "API_NOT_FOUND")


# --- the page


def test_the_page_takes_nothing_from_elsewhere(desk: Desk) -> None:
    """A strict policy, and no address in any of its files."""
    page = desk.get("/")

    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "unsafe" not in page.headers["Content-Security-Policy"]
    for path in ("/", "/page.js", "/page.css", "/texts.json"):
        assert not re.search(r"(?:https?:)?//[\w.]+\.\w", desk.get(path).text)
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", desk.get("/page.js").text)


def test_the_page_has_every_text_in_two_languages() -> None:
    """Whatever the script or the page asks for is there, and what a form can have wrong with it, too."""
    texts = json.loads((PAGE / "texts.json").read_text("utf-8"))
    script, page = ((PAGE / name).read_text("utf-8") for name in ("page.js", "index.html"))
    asked = set(re.findall(r'\bt\("([\w-]+)"', script)) | set(re.findall(r'data-(?:text|label)="([\w-]+)"', page))

    assert all(set(text) == {"en", "zh"} and all(text.values()) for text in texts.values())
    assert asked <= set(texts)
    assert {f"problem_{slug}" for slug in PROBLEMS} <= set(texts)
    assert {f"group_{group}" for group in ("all", "plain", "error", "line", "fault", "variation")} <= set(texts)


def test_the_path_alone_leads_to_the_page(desk: Desk) -> None:
    """With and without its slash."""
    reply = requests.get(desk.place, timeout=PATIENCE)

    assert (reply.status_code, reply.url) == (200, f"{desk.place}/")


def test_control_requests_are_no_entries(desk: Desk) -> None:
    """The journal holds what clients send, not what looks at them."""
    for _ in range(3):
        desk.get("/api/status")
    desk.service.post(KYC)

    assert len(desk.get("/api/entries").json()["entries"]) == 1


def test_everything_a_client_may_send_is_told_by_the_document(desk: Desk) -> None:
    """Odd requests of all kinds make entries that fit the document."""
    host, port = desk.service.address
    odd = [
        b"GET /\xff\xfe?a=%FF HTTP/1.1\r\nHost: x\r\nX-\xe4: \xff\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 40\r\n\r\n"
        + b"--b\r\nContent-Disposition: form-data\r\n\r\n--b--",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 17\r\n\r\n"
        + b'{"sign": "\\ud800"}'[:17],
        b"junk\r\n\r\n",
    ]
    for data in odd:
        with socket.create_connection((host, port), PATIENCE) as connection:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            read_reply(connection)
    for value in (b"\x00" * 50, b"\xff" * 50, "签名".encode() * 9):
        desk.service.post(KYC | {"sign": value.decode("latin-1"), "image": value})

    for number in range(len(odd) + 3):
        desk.entry(number)
