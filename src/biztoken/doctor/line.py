"""The line to the endpoint, tried bit by bit with the connections that a run makes. The doctor's only network."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

from biztoken.doctor.observation import Line
from biztoken.errors import HarnessError
from biztoken.settings import Target
from biztoken.wire import Connection, Endpoint

# Only a name server that answers can say that there is no such name. Not every system has both numbers.
_NO_SUCH_NAME = {getattr(socket, name, None) for name in ("EAI_NONAME", "EAI_NODATA")}


def follow(target: Target) -> Line:
    """Resolve, connect, and speak TLS where the URL says https; stops where something fails."""
    endpoint = Endpoint(target.url, target.timeout, target.cacert, target.proxy)
    proxy = urlsplit(target.proxy or "")
    host, port = (proxy.hostname or "", proxy.port or 80) if target.proxy else endpoint.address
    hop = Endpoint(f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}", target.timeout)
    first = "proxy" if target.proxy else "tcp"
    found: dict[str, Any] = {"seconds": {}}
    steps: list[tuple[str, Callable[[], dict[str, Any]]]] = [
        ("dns", lambda: {"addresses": _addresses(host, port)}),
        (first, lambda: _connected(hop)),
    ]
    if endpoint.parts.scheme == "https":
        steps.append(("tls", lambda: _secured(endpoint)))
    for name, act in steps:
        started = time.perf_counter()
        try:
            found |= act()
        except HarnessError as problem:
            reason = "proxy" if target.proxy and name != "tls" else problem.reason
            found |= {"failed": first if reason == "proxy" else name, "failure": f"{reason}: {problem}"}
            break
        finally:
            found["seconds"][name] = time.perf_counter() - started
    return Line(**found)


def _addresses(host: str, port: int) -> tuple[str, ...]:
    try:
        rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except socket.gaierror as problem:
        reason = "dns" if problem.errno in _NO_SUCH_NAME else "resolver"
        raise HarnessError(reason, f"the host {host} is unknown") from None
    return tuple(dict.fromkeys(str(row[4][0]) for row in rows))


def _connected(hop: Endpoint) -> dict[str, Any]:
    Connection(hop).close()
    return {}


def _secured(endpoint: Endpoint) -> dict[str, Any]:
    try:
        connection = Connection(endpoint)
    except HarnessError as problem:
        # wire tells the class only; what OpenSSL says of it is in the exception that it was made of.
        said = getattr(problem.__context__, "reason", None)
        raise HarnessError(problem.reason, f"{problem} {said}" if isinstance(said, str) else str(problem)) from None
    with closing(connection):
        line = connection.socket
        if not isinstance(line, ssl.SSLSocket):
            return {}
        ends = (line.getpeercert() or {}).get("notAfter")
        return {"tls": line.version() or "", "expires": ssl.cert_time_to_seconds(str(ends)) if ends else None}
