"""Replies of the control path: JSON or a file, and refusals in two languages."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from biztoken.mock.answers import MARK
from biztoken.mock.doorman import Denial
from biztoken.mock.wire import Receive, Send

_MOST_BODY = 1024 * 1024
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
SAFE = [
    (b"cache-control", b"no-store"),
    (b"content-security-policy", _POLICY.encode()),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    MARK,
]
NOWHERE = Denial(404, "no-such-path", "there is nothing here; see openapi.yaml", "没有此路径；见 openapi.yaml")
NO_METHOD = Denial(405, "method", "GET and POST are all there is", "只支持 GET 和 POST")
NO_ENTRY = Denial(404, "no-such-entry", "the journal has no such entry, or not any more", "日志中没有该条目，或已清除")
NO_BYTES = Denial(404, "bytes-gone", "the bytes of this request are not kept any more", "该请求的原始字节已不再保留")
NO_ANSWER = Denial(400, "no-answer", "write a name, or an object of changes", "请写名称，或写改动的对象")
NO_JSON = Denial(400, "no-json", "the body is no JSON object in UTF-8", "请求体不是 UTF-8 的 JSON 对象")
NO_PART = Denial(400, "what", "write a list of entries, answers", "请写 entries、answers 的列表")
TOO_LARGE = Denial(413, "too-large", f"at most {_MOST_BODY} bytes", f"最多 {_MOST_BODY} 字节")
TOO_MANY = Denial(503, "too-many", "too many pages are open", "打开的页面过多")


@dataclass(frozen=True, slots=True)
class Reply:
    """What is sent: `payload` as JSON, or `body` where that is None."""

    status: int = 200
    payload: Any = None
    body: bytes = b""
    media_type: str = "application/json"
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)


class DeniedError(Exception):
    """The request is not answered as it asks."""

    def __init__(self, why: Denial) -> None:
        super().__init__(why.error)
        self.why = why

    @property
    def reply(self) -> Reply:
        """What the client is told."""
        why = self.why
        more = [(b"allow", b"GET, POST")] if why.status == 405 else []
        payload = {"error": why.error, "message": {"en": why.en, "zh": why.zh}}
        # What is left of a body that is not wanted would be taken for the next request.
        return Reply(why.status, payload, headers=[*more, (b"connection", b"close")])


async def read_json(receive: Receive) -> dict[str, Any]:
    """The JSON object of a body; DeniedError where it is none."""
    body = b""
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise DeniedError(NO_JSON)
        body += message["body"]
        if len(body) > _MOST_BODY:
            raise DeniedError(TOO_LARGE)
        if not message["more_body"]:
            break
    try:
        told = json.loads(body)
        json.dumps(told, ensure_ascii=False, allow_nan=False).encode()  # half a surrogate pair is no text
    except (ValueError, RecursionError):
        raise DeniedError(NO_JSON) from None
    if not isinstance(told, dict):
        raise DeniedError(NO_JSON)
    return told


async def send_reply(send: Send, reply: Reply, *, has_body: bool) -> None:
    """Send a reply whole; without its body to HEAD."""
    body = json.dumps(reply.payload).encode() if reply.payload is not None else reply.body
    headers = [(b"content-type", reply.media_type.encode()), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": reply.status, "headers": [*headers, *reply.headers, *SAFE]})
    await send({"type": "http.response.body", "body": body if has_body else b""})
