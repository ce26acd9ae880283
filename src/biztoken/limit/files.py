"""How many connections this process may open."""

from __future__ import annotations

RESERVED = 64  # files that are open for other reasons


def room_for(connections: int) -> int:
    """How many connections may be open at once, after asking the system for as many as are wanted."""
    try:
        import resource  # noqa: PLC0415 - not on Windows, which has no such limit
    except ImportError:
        return connections
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + RESERVED
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return connections
    best = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (best, hard))
    except (OSError, ValueError):  # a system that keeps less than it promises
        best = soft
    return max(0, best - RESERVED)
