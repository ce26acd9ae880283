"""Who may use the control path: people and programs of this machine, and no web page but its own. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^:\[\]]+)(?::\d{1,5})?")
_JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Denial:
    """Why not: the status of the reply, a stable word, and the sentence in two languages."""

    status: int
    error: str
    en: str
    zh: str


_FOREIGN = Denial(
    403, "not-local", "only this machine may ask; see --public-journal", "仅限本机访问；见 --public-journal"
)
_HOSTILE = Denial(403, "other-host", "the Host is none of this machine's", "Host 不是本机的名称")
_CROSS = Denial(403, "other-origin", "another web page may not ask", "其他网页不得访问")
_TYPE = Denial(415, "not-json", "send application/json", "请以 application/json 发送")


def denial(scope: Mapping[str, Any], *, is_public: bool) -> Denial | None:
    """Why a request may not be answered, None where it may. `is_public`: others than this machine may ask, too.

    A page elsewhere cannot set these headers, cannot send JSON without being asked first, which is refused, and by a
    name of its own that leads here (DNS rebinding) comes with that name as Host.
    """
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    peer = (scope.get("client") or ("", 0))[0]
    if not is_public and not _is_loopback(peer):
        return _FOREIGN
    host = headers.get("host", "")
    match = _HOST.fullmatch(host)
    if match is None or not (is_public or _is_ours(match[1])):
        return _HOSTILE
    if "origin" in headers and headers["origin"] != f"{scope['scheme']}://{host}":
        return _CROSS
    is_visit = scope["method"] == "GET" and headers.get("sec-fetch-mode") == "navigate"
    if headers.get("sec-fetch-site", "none") not in ("none", "same-origin") and not is_visit:
        return _CROSS
    if scope["method"] == "POST" and headers.get("content-type", "").partition(";")[0].strip().lower() != _JSON:
        return _TYPE
    return None


def _is_ours(name: str) -> bool:
    """Whether a Host is a number, which nobody else's name server gives out, or this machine's own name."""
    if name.lower() in ("localhost", "localhost."):
        return True
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


def _is_loopback(peer: str) -> bool:
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)
