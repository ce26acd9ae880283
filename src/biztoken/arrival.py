"""When what was sent has arrived: as far as this side can know, before the last bytes of a burst are released."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Sequence

try:
    import fcntl
    import termios

    _OUTGOING = termios.TIOCOUTQ
except ImportError:  # Windows does not tell what is on its way
    _OUTGOING = None  # type: ignore[assignment]

READING = 0.02  # seconds for the target to read what arrived: no event on this side tells when it has
READ_PER_S = 200e6  # bytes; a slow server in Python was seen to read 300 MB a second
LONGEST = 2.0  # seconds; a target that reads on only when the request is whole keeps the rest waiting for ever
POLL = 0.002


def await_arrival(sockets: Sequence[socket.socket], total: int) -> None:
    """Return when the target's system has acknowledged all `total` bytes, and its program had time to read them."""
    deadline = time.monotonic() + LONGEST
    while any(map(_is_under_way, sockets)) and time.monotonic() < deadline:
        time.sleep(POLL)  # the system tells what is unacknowledged only when it is asked
    time.sleep(READING + total / READ_PER_S)  # no event here tells when the target has read the held bytes


def _is_under_way(sock: socket.socket) -> bool:
    if _OUTGOING is None:
        return False
    try:
        (left,) = struct.unpack("i", fcntl.ioctl(sock, _OUTGOING, bytes(4)))
    except OSError:  # closed meanwhile, or a system that does not know
        return False
    return bool(left)
