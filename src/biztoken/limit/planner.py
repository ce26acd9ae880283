"""The planner's question: is the limit enough for the arrivals that are expected? Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Plan:
    """`needed`: requests in flight on average at the peak, by Little's law; `margin`: found less needed.

    `enough`: whether something is left at the peak. `refused_share`: of random arrivals at that rate that would meet a
    full house (Erlang B). None without a limit.
    """

    arrivals_per_s: float
    service_s: float
    needed: float
    found: int | None
    margin: float | None
    enough: bool | None
    refused_share: float | None


def plan(arrivals_per_s: float, service_s: float, found: int | None) -> Plan:
    """Arrivals times service time is the number of slots that are taken, on average."""
    needed = arrivals_per_s * service_s
    if found is None:
        return Plan(arrivals_per_s, service_s, needed, None, None, None, None)
    margin = found - needed
    return Plan(arrivals_per_s, service_s, needed, found, margin, margin > 0, erlang_b(needed, found))


def erlang_b(load: float, slots: int) -> float:
    """The share of random arrivals that find every slot taken; `load` is the number taken were there no end of them."""
    blocked = 1.0
    for slot in range(1, slots + 1):
        blocked = load * blocked / (slot + load * blocked)
    return blocked
