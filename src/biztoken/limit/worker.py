"""One process of a fleet: a battery that does what it is told on standard input, until that ends."""

from __future__ import annotations

import signal
import sys
from typing import Any

from biztoken.burst import Battery
from biztoken.errors import HarnessError
from biztoken.limit.orders import Fire, Land, Load, Problem, hear, tell


def serve() -> None:
    """Obey orders; each has one answer."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent is interrupted too, and ends this process
    battery = Battery(hear(sys.stdin.buffer))
    try:
        while True:
            order = hear(sys.stdin.buffer)
            try:
                answer = obey(battery, order)
            except HarnessError as problem:
                answer = Problem(problem.reason, str(problem))
            tell(sys.stdout.buffer, answer)
    except (EOFError, BrokenPipeError):
        pass
    finally:
        battery.close()


def obey(battery: Battery, order: Any) -> Any:
    """Carry out one order."""
    match order:
        case Load(requests, rack, whole):
            return battery.load(requests, rack=rack, whole=whole)
        case Fire(rack, at):
            return battery.fire(rack, at)
        case Land(rack):
            return battery.land(rack).shots
    raise TypeError(type(order).__name__)


if __name__ == "__main__":
    serve()
