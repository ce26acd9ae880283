"""What a client is to send, and the text in which its program is told."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote


@dataclass(frozen=True, slots=True)
class Text:
    """A field of text; bytes that are no UTF-8 are surrogates in it."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class File:
    """A field with a file; a `filename` of "" is not sent."""

    name: str
    path: Path
    filename: str = "face.jpg"
    media_type: str = "image/jpeg"


Entry = Text | File


@dataclass(frozen=True, slots=True)
class Plan:
    """One request. `mode`: how the client is to build it, see the programs; `body`: the bytes of mode raw.

    `content_type`: set by hand; None leaves it to the client. `expect`: ask first whether to send the body.
    """

    entries: tuple[Entry, ...]
    mode: str = "multipart"
    path: str = "/faceid/v3/sdk/get_biz_token"
    method: str = "POST"
    content_type: str | None = None
    body: bytes | None = None
    expect: bool = False

    def written(self, url: str, body: Path | None) -> str:
        """The lines that a program reads: cells apart by tabs, each percent-encoded."""
        one = {"url": url, "method": self.method, "mode": self.mode, "content_type": self.content_type}
        one |= {"body": str(body) if body else None, "expect": "1" if self.expect else None}
        rows = [(name, value) for name, value in one.items() if value is not None]
        for entry in self.entries:
            if isinstance(entry, Text):
                rows.append(("text", entry.name, entry.value))
            else:
                rows.append(("file", entry.name, str(entry.path), entry.filename, entry.media_type))
        return "".join("\t".join(quote(cell, safe="", errors="surrogateescape") for cell in row) + "\n" for row in rows)


def form(entries: tuple[Entry, ...], boundary: str, *, eol: bytes = b"\r\n", end: bytes = b"--\r\n") -> bytes:
    """A form as it is made by hand; `end`: what follows the last boundary."""
    marker = b"--" + boundary.encode()
    body = b""
    for entry in entries:
        head = f'Content-Disposition: form-data; name="{entry.name}"'.encode()
        if isinstance(entry, File):
            head += f'; filename="{entry.filename}"'.encode() if entry.filename else b""
            head += eol + f"Content-Type: {entry.media_type}".encode()
        value = entry.value.encode("utf-8", "surrogateescape") if isinstance(entry, Text) else entry.path.read_bytes()
        body += marker + eol + head + eol + eol + value + eol
    return body + marker + end
