"""The clients: how each is started, and which version it is."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import yaml
from plans import Plan, Text

JARS = tuple(
    Path("/usr/share/java", name)
    for name in (
        "okhttp.jar",
        "okio.jar",
        "httpclient.jar",
        "httpcore.jar",
        "httpmime.jar",
        "commons-logging.jar",
        "commons-codec.jar",
    )
)
CAPTURED: dict[str, str] = yaml.safe_load(Path(__file__).with_name("captured.yaml").read_text("utf-8"))
CLASSPATH = ":".join(map(str, (".", *JARS)))


@dataclass(frozen=True, slots=True)
class Client:
    """`version`: argv of a command whose first number counts.

    `command`: argv before the plan's path, or a function of plan, URL and body. `makes_forms`: whether it can build
    multipart; for one that cannot it is made by hand.
    """

    name: str
    version: tuple[str, ...]
    command: tuple[str, ...] | Callable[[Plan, str, Path | None], list[str]]
    makes_forms: bool = True

    @property
    def habits(self) -> list[str]:
        return CAPTURED[self.name].split()

    def told_version(self, place: Path) -> str:
        done = subprocess.run(self.version, cwd=place, capture_output=True, text=True, check=True)
        found = re.search(r"\d+(?:\.\d+)+", done.stdout + done.stderr)
        return found[0] if found else "unknown"


def curl(plan: Plan, url: str, body: Path | None) -> list[str]:
    """The command line of curl."""
    line = ["curl", "-s", "-m", "20", "-o", "/dev/null"]
    kind = ["-H", f"Content-Type: {plan.content_type}"] if plan.content_type else []
    if plan.mode in ("urlencoded", "query"):
        for entry in plan.entries:
            if isinstance(entry, Text):
                line += ["--data-urlencode", f"{entry.name}={entry.value}"]
        return [*line, *(["-G"] if plan.method == "GET" else []), url]
    if body:
        return [
            *line,
            "--data-binary",
            f"@{body}",
            *kind,
            *(["-H", "Expect: 100-continue"] if plan.expect else []),
            url,
        ]
    for entry in plan.entries:
        if isinstance(entry, Text):
            encoder = ";encoder=quoted-printable" if plan.mode == "quoted-printable" else ""
            line += (
                ["-F", f"{entry.name}={entry.value}{encoder}"]
                if encoder
                else ["--form-string", f"{entry.name}={entry.value}"]
            )
        else:
            # `<` takes the content of a file for the text of a field: the picture gets no filename.
            source = f"@{entry.path};filename={entry.filename}" if entry.filename else f"<{entry.path}"
            encoder = ";encoder=base64" if plan.mode == "base64" else ""
            line += ["-F", f"{entry.name}={source};type={entry.media_type}{encoder}"]
    line += ["-H", "Transfer-Encoding: chunked"] if plan.mode == "chunked" else []
    line += ["-H", "Expect: 100-continue"] if plan.expect else []
    return [*line, *kind, "-X", plan.method, url]


def wget(plan: Plan, url: str, body: Path | None) -> list[str]:
    """The command line of wget, which sends a body that was made before."""
    line = ["wget", "-q", "-O", "/dev/null", "-T", "20", "-t", "1", f"--method={plan.method}"]
    return [*line, f"--body-file={body}", f"--header=Content-Type: {plan.content_type}", url]


def httpie(plan: Plan, url: str, _body: Path | None) -> list[str]:
    """The command line of HTTPie: JSON unless it is told otherwise."""
    how = {"json": [], "urlencoded": ["--form"]}.get(plan.mode, ["--multipart"])
    line = ["venv/bin/http", "--ignore-stdin", "--timeout", "20", *how, plan.method, url]
    for entry in plan.entries:
        if isinstance(entry, Text):
            line.append(f"{entry.name}={entry.value}")
        else:
            line.append(f"{entry.name}@{entry.path};type={entry.media_type}")
    return line


def python(name: str) -> tuple[str, ...]:
    return ("venv/bin/python", f"via_{name}.py")


def package(name: str) -> tuple[str, ...]:
    return ("venv/bin/python", "-c", f"import importlib.metadata as m; print(m.version('{name}'))")


def node(name: str) -> tuple[str, ...]:
    return ("node", "-p", f"require('./node_modules/{name}/package.json').version")


def debian(name: str) -> tuple[str, ...]:
    return ("dpkg-query", "-W", "-f", "${Version}", name)


def java(name: str) -> tuple[str, ...]:
    return ("java", "-cp", CLASSPATH, name)


CLIENTS = (
    Client("curl", ("curl", "--version"), curl),
    Client("wget", ("wget", "--version"), wget, makes_forms=False),
    Client("httpie", package("httpie"), httpie),
    Client("requests", package("requests"), python("requests")),
    Client("httpx", package("httpx"), python("httpx")),
    Client("aiohttp", package("aiohttp"), python("aiohttp")),
    Client("urllib3", package("urllib3"), python("urllib3")),
    Client("pycurl", package("pycurl"), python("pycurl")),
    Client("http.client", ("venv/bin/python", "--version"), python("http_client"), makes_forms=False),
    Client("node-fetch-api", ("node", "--version"), ("node", "node_fetch.mjs")),
    Client("axios", node("axios"), ("node", "node_axios.mjs")),
    Client("got", node("got"), ("node", "node_got.mjs")),
    Client("superagent", node("superagent"), ("node", "node_superagent.mjs")),
    Client("needle", node("needle"), ("node", "node_needle.mjs")),
    Client("php-curl", ("php", "--version"), ("php", "php_curl.php")),
    Client("guzzle", debian("php-guzzlehttp-guzzle"), ("php", "php_guzzle.php")),
    Client("php-stream", ("php", "--version"), ("php", "php_stream.php"), makes_forms=False),
    Client("ruby-net-http", ("ruby", "--version"), ("ruby", "net_http.rb")),
    Client("ruby-multipart-post", debian("ruby-multipart-post"), ("ruby", "multipart_post.rb")),
    Client("ruby-httpclient", debian("ruby-httpclient"), ("ruby", "httpclient.rb")),
    Client("lwp", debian("libwww-perl"), ("perl", "lwp.pl")),
    Client("mojo", debian("libmojolicious-perl"), ("perl", "mojo.pl")),
    Client("go", ("go", "version"), ("./send",)),
    Client("java-http-client", ("java", "--version"), java("ViaHttpClient"), makes_forms=False),
    Client("okhttp", debian("libokhttp-java"), java("ViaOkHttp")),
    Client("apache", debian("libhttpclient-java"), java("ViaApache")),
    Client("mono", ("mono", "--version"), ("mono", "ViaMono.exe")),
)
