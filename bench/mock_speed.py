"""How fast is the mock, beside WireMock, Prism and an ASGI application that only splits the body?

    python bench/mock_speed.py [--rounds 5] [--seconds 3] [--peers DIRECTORY] [--out FILE]

wrk (Debian package `wrk`) drives one server at a time over 20 kept-alive connections with signed KYC forms, then with
forms that carry a picture of 60 kB; each round asks every server once, and each starts with another. All servers stay
up from the beginning and are warmed first. DIRECTORY is where `npm install wiremock @stoplight/prism-cli` was run;
WireMock needs Java. Without it only the mock and the raw application are measured.

Each sign is sound for an hour and checked every time; 64 of them take turns. Every reply must be 200, or there is no
figure. WireMock gives a fixed reply to forms that hold the names of the four fields that are always due, and runs as it
comes; without its journal of requests it is a server of its own, `no-journal`. Prism checks the published openapi/.
"""

from __future__ import annotations

import argparse
import base64
import hmac
import io
import json
import os
import random
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import uvicorn
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
PATH = "/faceid/v3/sdk/get_biz_token"
BOUNDARY = b"--------------------------7d1f3a5c9e0b"
SIGNS = 64
CONNECTIONS = 20
PICTURE = 60_000  # bytes, about
KEY, SECRET = "bench", "secret-of-bench"
LEAST = {"form": {"wiremock": 4, "prism": 5, "raw": 0.35}, "picture": {"wiremock": 5}}
LUA = """
local bodies, head, at = {}, {}, 0
function init(args)
  for number = 1, tonumber(args[2]) do
    local file = io.open(args[1] .. "/" .. number, "rb")
    bodies[number] = wrk.format("POST", nil, {["Content-Type"] = args[3], ["Host"] = "localhost"}, file:read("*a"))
    file:close()
  end
end
function request()
  at = at % #bodies + 1
  return bodies[at]
end
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3, help="of each measurement")
    parser.add_argument("--peers", type=Path, help="where npm installed wiremock and @stoplight/prism-cli")
    parser.add_argument("--only", default="", help="servers, apart by commas; default all but no-journal")
    parser.add_argument("--out", type=Path, help="a file for the figures as JSON")
    parser.add_argument("--serve-raw", type=int, metavar="PORT", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.serve_raw:
        uvicorn.run(split_only, port=chosen.serve_raw, log_level="critical", access_log=False, lifespan="off")
        return 0
    with tempfile.TemporaryDirectory() as directory, ExitStack() as stack:
        place = Path(directory)
        forms = {"form": write_forms(place / "form", None), "picture": write_forms(place / "picture", picture())}
        commands = servers(place, chosen.peers)
        names = chosen.only.split(",") if chosen.only else [name for name in commands if name != "no-journal"]
        commands = {name: commands[name] for name in names}
        ports = {name: stack.enter_context(running(name, *command, place)) for name, command in commands.items()}
        rates = measure(place, forms, ports, chosen)
    report = summary(rates)
    if chosen.out:
        chosen.out.write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    return 0 if all(row["holds"] for row in report["ratios"]) else 1


# --- what is sent


def write_forms(directory: Path, image: bytes | None) -> Path:
    """Sound requests, one a file, each with a sign of its own."""
    directory.mkdir()
    rng = random.Random(0)
    for number in range(1, SIGNS + 1):
        (directory / str(number)).write_bytes(form(sign(rng), image))
    return directory


def sign(rng: random.Random) -> str:
    now = int(time.time())
    text = f"a={KEY}&b={now + 3600}&c={now}&d={rng.randrange(10**10):010}".encode()
    return base64.b64encode(hmac.digest(SECRET.encode(), text, "sha1") + text).decode()


def form(signed: str, image: bytes | None) -> bytes:
    """The multipart body: ten text fields, and a picture in place of name and number where there is one."""
    fields = {"sign": signed, "sign_version": "hmac_sha1", "liveness_type": "meglive", "biz_no": "bench-000001"}
    fields |= {"verbose": "1", "security_level": "2", "liveness_timeout": "60", "force_compare": "0"}
    if image is None:
        fields |= {"comparison_type": "1", "idcard_name": "张三", "idcard_number": "990101199003071237"}
    else:
        fields |= {"comparison_type": "0", "uuid": "visitor-7f3a"}
    parts = [
        b'--%s\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (BOUNDARY, name.encode(), value.encode())
        for name, value in fields.items()
    ]
    if image is not None:
        head = b'--%s\r\nContent-Disposition: form-data; name="image_ref1"; filename="face.jpg"\r\n' % BOUNDARY
        parts.append(head + b"Content-Type: image/jpeg\r\n\r\n" + image + b"\r\n")
    return b"".join([*parts, b"--%s--\r\n" % BOUNDARY])


def picture() -> bytes:
    """The portrait as a JPEG of about 60 kB."""
    with Image.open(ROOT / "conformance" / "portrait.jpg") as portrait:
        sizes = [portrait.resize((side, side * portrait.height // portrait.width)) for side in range(400, 2000, 40)]
    found = b""
    for image in sizes:
        file = io.BytesIO()
        image.save(file, "JPEG", quality=85)
        found = file.getvalue()
        if len(found) >= PICTURE:
            break
    return found


# --- who answers


async def split_only(scope, receive, send) -> None:
    """The least that any endpoint in Python must do: take the body, split it, answer."""
    pieces, more = [], True
    while more:
        message = await receive()
        pieces.append(message["body"])
        more = message["more_body"]
    parts = b"".join(pieces).split(b"\r\n--" + BOUNDARY)
    body = b'{"request_id": "1700000000,x", "time_used": 0, "biz_token": "1700000000,x", "n": %d}' % len(parts)
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def servers(place: Path, peers: Path | None) -> dict[str, tuple[list[str], int]]:
    """Each server's command and port."""
    keys = place / "keys.yaml"
    keys.write_text(f"keys:\n  - {{role: active, api_key: {KEY}, api_secret: {SECRET}}}\n", "utf-8")
    ports = iter(free_ports(5))
    mock, raw = next(ports), next(ports)
    found = {
        "mock": ([sys.executable, "-m", "biztoken", "mock", "--port", str(mock), "--keys", str(keys)], mock),
        "raw": ([sys.executable, __file__, "--serve-raw", str(raw)], raw),
    }
    if peers is None:
        return found
    mappings = place / "wiremock" / "mappings"
    mappings.mkdir(parents=True)
    (mappings / "stub.json").write_text(json.dumps(stub()), "utf-8")
    jar = next(peers.glob("node_modules/wiremock/build/*.jar"))
    options = ["--root-dir", str(mappings.parent), "--disable-banner"]
    for name, more in (("wiremock", []), ("no-journal", ["--no-request-journal"])):
        port = next(ports)
        found[name] = (["java", "-jar", str(jar), "--port", str(port), *options, *more], port)
    port = next(ports)
    prism = peers / "node_modules" / ".bin" / "prism"
    document = str(ROOT / "openapi" / "get_biz_token.yaml")
    found["prism"] = ([str(prism), "mock", document, "--port", str(port), "-v", "error"], port)
    return found


def stub() -> dict:
    """What a user of WireMock writes by hand to mock this endpoint: the fields that are always due must be there.

    Its own patterns for multipart say the same in ten times the time.
    """
    due = ("sign", "sign_version", "liveness_type", "comparison_type")
    patterns = [{"contains": f'name="{name}"'} for name in due]
    reply = {"status": 200, "body": '{"biz_token": "x"}', "headers": {"Content-Type": "application/json"}}
    request = {"method": "POST", "urlPath": PATH, "bodyPatterns": patterns}
    return {"request": request, "response": reply}


def free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [one.getsockname()[1] for one in sockets]


@contextmanager
def running(name: str, command: list[str], port: int, place: Path) -> Iterator[int]:
    """A server that answers, until the block ends."""
    with (place / f"{name}.log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            ends = time.monotonic() + 60
            while not answers(port):
                assert process.poll() is None, (place / f"{name}.log").read_text("utf-8", "replace")
                assert time.monotonic() < ends, f"{name} does not answer"
                time.sleep(0.2)  # nothing tells when a JVM listens
            yield port
        finally:
            process.terminate()


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


# --- measuring


def measure(place: Path, forms: dict[str, Path], ports: dict[str, int], chosen: argparse.Namespace) -> dict:
    """Requests per second by kind of form, server and round."""
    script = place / "requests.lua"
    script.write_text(LUA, "utf-8")
    rates: dict[str, dict[str, list[float]]] = {kind: defaultdict(list) for kind in forms}
    names = list(ports)
    for directory in forms.values():
        for name in names:
            wrk(script, directory, ports[name], max(3, chosen.seconds), name)
    for number in range(chosen.rounds):
        order = names[number % len(names) :] + names[: number % len(names)]
        for kind, directory in forms.items():
            for name in order:
                rate = wrk(script, directory, ports[name], chosen.seconds, name)
                rates[kind][name].append(rate)
                print(f"round {number + 1}  {kind:8} {name:10} {rate:10,.0f} per second", flush=True)
    return rates


def wrk(script: Path, directory: Path, port: int, seconds: int, name: str) -> float:
    """Requests per second of one server; it must accept them all."""
    url = f"http://127.0.0.1:{port}{PATH}"
    content_type = f"multipart/form-data; boundary={BOUNDARY.decode()}"
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", str(script), url, "--"]
    done = subprocess.run(
        [*command, str(directory), str(SIGNS), content_type],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"LC_ALL": "C"},
    )
    assert "Non-2xx" not in done.stdout, f"{name} refused some: {done.stdout}"
    found = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    assert found, f"{name}: {done.stdout}"
    assert float(found[1]), f"{name}: {done.stdout}"
    return float(found[1])


def summary(rates: dict) -> dict:
    """Medians, and the mock's against each other's; ratios are made round by round: a slow one counts for both."""
    rows = []
    for kind, of in rates.items():
        for name, found in of.items():
            print(f"{kind:8} {name:10} median {statistics.median(found):10,.0f} per second")
            if name != "mock":
                pairs = zip(of["mock"], found, strict=True)
                ratio = statistics.median(mock / other for mock, other in pairs)
                due = LEAST[kind].get(name)
                rows.append(
                    {"kind": kind, "of": name, "ratio": round(ratio, 3), "due": due, "holds": not due or ratio >= due}
                )
    for row in rows:
        due = f"due {row['due']}: {'holds' if row['holds'] else 'DOES NOT HOLD'}" if row["due"] else ""
        print(f"{row['kind']:8} mock / {row['of']:10} {row['ratio']:8.2f}  {due}")
    return {"rates": {kind: dict(of) for kind, of in rates.items()}, "ratios": rows}


if __name__ == "__main__":
    sys.exit(main())
