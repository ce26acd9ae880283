"""Many runs with unusual secrets and persons against an endpoint that repeats what it is sent, each searched for leaks.

    python tests/leaks_100.py --runs 100 [--seed N]

By hand; the tests make a few such runs. Exit 1 where anything private was found in a record or on the console.
"""

from __future__ import annotations

import argparse
import base64
import html
import io
import json
import re
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from urllib.error import HTTPError
from urllib.parse import quote, quote_plus, urlsplit

import multipart
from conftest import Cli, Outcome
from miniatures import Request, Server

from biztoken.leaks import Leak, canaries, search, search_text
from biztoken.model import Upload
from biztoken.people import Person, make_number, make_person
from biztoken.settings import read_target

NAMES = ["欧阳明超", "𠮷田·买买提", "王芳", "Mary-Jane O'Neill <mj>", 'Zoë "Z" & Co', "司马  三 丰", "José+Maria=50%"]
SECRETS = [
    "UjYGdN9CBZKsDBLB5-5v3DykPXY6dw3q",
    "quote\"and'apostrophe<tag>&amp;",
    "blank in the  middle of it",
    "per%cent%20and+plus=equal/slash\\back",
    "密钥是很长的中文文本",
    "ümläut·𠮷·secret",
    "s3cr3t",
    "x" * 12 + "Very-Long_" * 20,
    "$(printf '%b' `ls`) {{7*7}} ${HOME}",
]
# How the endpoint repeats a text.
ECHOES: dict[str, Callable[[str], str]] = {
    "plain": str,
    "json": lambda text: json.dumps(text)[1:-1],
    "json twice": lambda text: json.dumps(json.dumps(text))[1:-1],
    "url": lambda text: quote(text, safe=""),
    "form": quote_plus,
    "html": html.escape,
    "entities": lambda text: "".join(f"&#{ord(char)};" for char in text),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 of more": lambda text: base64.b64encode(f"name={text};".encode()).decode(),
    "base64 for URLs": lambda text: base64.urlsafe_b64encode(f"k{text}".encode()).decode(),
    "hex": lambda text: text.encode().hex(),
    "HEX": lambda text: text.encode().hex().upper(),
    "utf-16": lambda text: "\0".join(text) if text.isascii() else text,
    "upper half": lambda text: text[: len(text) // 2 + 1],
}
OPTIONS = [
    ["--plan", "quick", "--select", "IDCARD-NAME or IDCARD-NUMBER"],
    ["--plan", "quick", "--select", "signature"],
    ["--plan", "quick", "--select", "idcard or reply"],
    ["--plan", "core", "--select", "sign-replay or sign-reuse"],
    ["--select", "fuzz-kyc-meglive", "--fuzz", "2"],
    ["--plan", "quick", "--select", "protocol or no-face"],
    ["--plan", "quick", "--select", "uuid or biz"],
    ["--plan", "quick", "--select", "permissions"],
]
PLACES = ("error", "note", "deep", "header", "text", "name", "token")


@dataclass
class Echo:
    """What an endpoint repeats, in which spellings and where, and what it was sent."""

    upstream: str
    texts: list[str]
    rng: Random
    often: float
    signs: dict[str, None] = field(default_factory=dict)  # in the order in which they came, as are the numbers
    numbers: dict[str, None] = field(default_factory=dict)
    pictures: dict[bytes, Upload] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, request: Request) -> None:
        """Ask the mock, and answer as it does, with an echo."""
        body = request.rfile.read(int(request.headers.get("Content-Length", 0)))
        kind = request.headers.get("Content-Type", "")
        status, told = self.ask(request.command, request.path, kind, body)
        with self.lock:
            texts = [*self.texts, *self.see(kind, body)]
            place = self.rng.choice(PLACES) if texts and self.rng.random() < self.often else ""
            echo = self.rng.choice(list(ECHOES))
            text = ECHOES[echo](self.rng.choice(texts)) if place else ""
            self.told.append(text)
        headers = {}
        if place == "header":
            headers["X-Echo"] = re.sub(r"[\r\n\0]", " ", text.encode().decode("latin-1"))
        elif place == "text":
            told = f"<html><p>{text}</p></html>"
        elif place and isinstance(told, dict):
            self.put(told, place, text)
        del request.headers["Content-Length"]  # it is read already
        request.reply(status, told, **headers)

    def put(self, told: dict, place: str, text: str) -> None:
        """Put the echo into a reply."""
        if place == "error":
            told["error"] = f"{told['error']} {text}" if told.get("error") else told.pop("error", "")
            if not told["error"]:
                del told["error"]
                told["note"] = text
        elif place == "token":
            told["request_id"] = f"{told.get('request_id')} {text}"
        elif place == "name":
            told[text] = 1
        else:
            told["note"] = {"sent": [{"value": text}]} if place == "deep" else text

    def ask(self, method: str, path: str, kind: str, body: bytes) -> tuple[int, dict | str]:
        """What the mock answers."""
        parts = urlsplit(self.upstream)
        asked = urllib.request.Request(f"http://{parts.netloc}{path}", body, {"Content-Type": kind}, method=method)
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(asked, timeout=30) as reply:
                return reply.status, json.loads(reply.read())
        except HTTPError as problem:
            data = problem.read().decode()
            try:
                return problem.code, json.loads(data)
            except ValueError:
                return problem.code, data

    def see(self, kind: str, body: bytes) -> list[str]:
        """Remember what came, and say what of it may be repeated."""
        fields, boundary = {}, multipart.parse_options_header(kind)[1].get("boundary")
        if boundary and len(body) < 3_000_000:
            with suppress(multipart.MultipartError, ValueError):
                fields = {part.name: part.raw for part in multipart.MultipartParser(io.BytesIO(body), boundary)}
        texts = []
        for name, data in fields.items():
            if name.startswith("image") and len(data) > 500:
                self.pictures.setdefault(data, Upload(name, data))
                texts.append(data.decode("latin-1"))
            elif name == "sign":
                self.signs[data.decode("utf-8", "replace")] = None
            elif name == "idcard_number" and len(data) == 18:
                self.numbers[data.decode("utf-8", "replace")] = None
        texts += [*list(self.signs)[-3:], *list(self.numbers)[-3:]]
        return [self.picture_text(text) if len(text) > 500 else text for text in texts]

    def picture_text(self, text: str) -> str:
        """A picture, which no JSON can hold but in base64 or hexadecimal."""
        data = text.encode("latin-1")
        return base64.b64encode(data).decode() if self.rng.random() < 0.7 else data.hex()


@contextmanager
def serving(echo: Echo) -> Iterator[str]:
    """The URL of an endpoint that repeats."""
    server = Server(echo)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}{urlsplit(echo.upstream).path}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass(frozen=True)
class Played:
    """What a run left, what leaked of it, and what was in the replies, which is no leak."""

    outcome: Outcome
    leaks: list[Leak]
    replied: tuple[Leak, ...]


def play(cli: Cli, seed: int) -> Played:
    """One run whose secrets, person, options and echoes follow from the seed."""
    rng = Random(seed)
    roles = ["active", *rng.sample(["discontinued", "denied", "no_verify"], 2)]
    secrets = dict(zip(roles, rng.sample(SECRETS, 3), strict=True))
    keys = {role: {"api_key": f"key-{role}", "api_secret": secrets[role]} for role in roles}
    states = {"discontinued": {"state": "discontinued"}, "denied": {"state": "denied"}, "no_verify": {"verify": False}}
    key_file = cli.write("keys.yaml", {"keys": [key | states.get(role, {}) for role, key in keys.items()]})
    person = {"idcard_name": rng.choice(NAMES), "idcard_number": make_number(rng)} if rng.random() < 0.7 else None
    chosen, run_seed = list(rng.choice(OPTIONS)), rng.randrange(50)
    chosen += ["--seed", run_seed, *(["--lang", "zh"] if rng.random() < 0.4 else [])]
    chosen += ["--strict"] if rng.random() < 0.3 else []
    chosen += ["--require", "must"] if rng.random() < 0.3 else []
    told = Person(**dict(zip(("name", "number"), person.values(), strict=True))) if person else make_person(run_seed)
    password = rng.choice(["", "pw", "p4ss%21word", "long-and-plain-password"])
    texts = [*secrets.values(), told.name, told.number, *([password] if len(password) > 5 else [])]
    with mocking(cli, key_file) as upstream:
        echo = Echo(upstream, texts, rng, rng.choice([0.4, 0.7, 1.0]))
        with serving(echo) as url:
            login = f"user:{password}@" if password else ""
            fields = {"url": url.replace("://", f"://{login}"), "keys": keys}
            fields |= {"person": person} if person else {}
            fields |= {"concurrency_limit": 2} if rng.random() < 0.5 else {}
            path = cli.write("target.yaml", fields)
            run = cli.check("--target", path, *chosen)
    wanted = canaries(read_target(path), told, echo.signs, echo.pictures.values(), echo.numbers)
    leaks = search(sorted(run.directory.iterdir()), wanted)
    return Played(run, [*leaks, *search_text(run.out + run.err, wanted)], search_text("\n".join(echo.told), wanted))


@contextmanager
def mocking(cli: Cli, keys: Path) -> Iterator[str]:
    """The URL of a mock with these keys."""
    running = cli.start(("mock", "--port", "0", "--keys", keys))
    out = running.place / "out"
    try:
        running.wait_until(lambda: out.exists() and "\n" in out.read_text("utf-8"))
        yield out.read_text("utf-8").split()[-1]
    finally:
        running.process.terminate()
        running.end()


def main() -> int:
    """Make the runs and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    place = Path(tempfile.mkdtemp(prefix="leaks-"))  # a run that leaked is looked at there
    cli, began, leaking, repeated, requests = Cli(place), time.monotonic(), 0, 0, 0
    for seed in range(chosen.seed, chosen.seed + chosen.runs):
        played = play(cli, seed)
        run, leaks = played.outcome, played.leaks
        repeated += bool(played.replied)
        requests += len(run.exchanges)
        leaking += bool(leaks)
        for leak in leaks:
            print(f"seed {seed}: {leak}")  # noqa: T201 - a script reports
        if "Traceback" in run.err or run.code not in (0, 1, 2, 3):
            print(f"seed {seed}: exit {run.code}\n{run.err[-600:]}")  # noqa: T201
    seconds = time.monotonic() - began
    print(f"{chosen.runs} runs, {requests} requests, {seconds:.0f} s: {repeated} were told secrets, {leaking} leaked")  # noqa: T201
    return int(leaking > 0)


if __name__ == "__main__":
    sys.exit(main())
