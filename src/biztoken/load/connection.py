"""One kept-alive connection of a load: opens itself as needed, and names everything that can happen to a request.

Works on gevent's loop, whether or not locust has put gevent's sockets in the place of Python's.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from biztoken.errors import HarnessError
from biztoken.load.heads import END, read_head
from biztoken.load.link import Link
from biztoken.model import Reply
from biztoken.wire import Endpoint, ReplyParser

FORGIVEN = 3  # kept connections closed under a request, before that is a habit; as in a check
AT_ONCE = 0.02  # seconds, beside the time that it took to connect, within which a close crosses a request


class Habits:
    """What the connections of one generator have seen of how a target ends those that it keeps."""

    def __init__(self) -> None:
        self.closes_idle = False
        self._crossed = 0

    def excuse(self) -> bool:
        """Whether a close that crossed a request may be no fault: of a target that closes idle ones, or a rare one."""
        self._crossed += 1
        return self.closes_idle or self._crossed <= FORGIVEN


class Connection:
    """Sends requests one after another, for one greenlet at a time.

    A kept connection may be closed just as a request is on its way; then nobody has read it, and it is sent again. So
    that a target that drops requests cannot hide, this is done only for a close that comes at once, that `habits`
    excuses and to which `again` agrees, whom it is a request more.

    `opened`: connections that were made. `reopened`: how often a kept one turned out to be closed by the other side.
    """

    def __init__(
        self, endpoint: Endpoint, habits: Habits | None = None, again: Callable[[], bool] = lambda: True
    ) -> None:
        self._endpoint = endpoint
        self._habits = habits or Habits()
        self._again = again
        self._at_once = AT_ONCE
        self._link: Link | None = None
        self.opened = 0
        self.reopened = 0

    def exchange(self, data: bytes | list[bytes]) -> Reply:
        """Send a whole request, in one piece or several, and give its reply.

        HarnessError where none comes: dns, connect, proxy or tls (no connection), timeout (within the endpoint's),
        send (the other side ended the connection while it should read the request), closed (before a reply),
        truncated (in the middle of one), protocol (what came is no HTTP).
        """
        link = self._link
        if link is not None:
            if link.is_idle():
                began = time.monotonic()
                try:
                    return self._exchange(link, data)
                except HarnessError as problem:
                    crossed = problem.reason in {"closed", "send"} and time.monotonic() - began <= self._at_once
                    if not (crossed and self._habits.excuse() and self._again()):
                        raise
            else:
                self._habits.closes_idle = True
            self.close()
            self.reopened += 1
        began = time.monotonic()
        self._link = link = Link(self._endpoint)
        self._at_once = AT_ONCE + time.monotonic() - began
        self.opened += 1
        return self._exchange(link, data)

    def _exchange(self, link: Link, data: bytes | list[bytes]) -> Reply:
        try:
            link.begin()
            link.send(data)
            reply, keeps_alive = _receive(link)
            if keeps_alive and not link.has_unsent:
                link.end()
            else:
                self.close()
        except BaseException:  # a user that is stopped leaves a connection in the middle of an exchange
            self.close()
            raise
        return reply

    def close(self) -> None:
        """Close the connection, if there is one; the next exchange opens another."""
        if self._link is not None:
            self._link.close()
            self._link = None


def _receive(link: Link) -> tuple[Reply, bool]:
    """The next reply, and whether the connection stays open."""
    data = link.more()
    split = data.find(END)
    head = read_head(data[:split]) if split >= 0 else None
    if head is None:
        return _parse(link, data)
    begin = split + len(END)
    end = begin + head.length
    while len(data) < end:
        piece = link.more()
        if not piece:
            return _parse(link, data, ended=True)
        data += piece
    # More than was announced is no answer to anything.
    return Reply(head.status, head.headers, data[begin:end]), head.keeps_alive and len(data) == end


def _parse(link: Link, data: bytes, *, ended: bool = False) -> tuple[Reply, bool]:
    """The reply that begins with `data`, whatever its form."""
    parser = ReplyParser("POST")
    try:
        while not parser.feed(data):
            data = b"" if ended else link.more()
            ended = not data
    except HarnessError as problem:
        if problem.reason == "closed" and link.was_cut:
            raise HarnessError("send", "the connection was closed before the request was sent") from None
        raise
    return parser.reply(), parser.keeps_alive and not ended
