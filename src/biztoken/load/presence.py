"""Whether the master of a worker is still there: a short silence is the network's, nobody at its port is its end."""

from __future__ import annotations

import socket
from collections.abc import Callable

DOUBT = 1.5  # seconds without a word from the master, which has one each second, after which its port is looked at
SILENCE = 10.0  # seconds after which it is given up, whatever its port says
LOOK = 0.25  # seconds between two looks
KNOCK = 1.0  # seconds that a connection to it may take


def is_gone(silence: float, refuses: Callable[[], bool]) -> bool:
    """Whether a master of which nothing was heard for so many seconds is gone."""
    return silence > SILENCE or (silence > DOUBT and refuses())


def refuses(host: str, port: int) -> bool:
    """Whether the machine is there and nobody listens; false where that cannot be told."""
    try:
        socket.create_connection((host, port), KNOCK).close()
    except ConnectionRefusedError:
        return True
    except OSError:
        return False
    return False
