"""Whether the generator itself was the bottleneck: its processor, its loop, late arrivals, sockets. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from biztoken.model import Json
from biztoken.verdicts import Text

# Measured: with a generator that holds less than three quarters of what it should, both are above; else both below.
BUSY = 0.9  # of a core
LAGGING_MS = 1.5  # p50 of how late the generator's loop wakes
HELD = 0.1  # of what was to be in flight: more than this kept back by max_rate is another load than was asked for
LATE_MS = 20.0  # p99 of how late arrivals are sent; below it they add little to what is measured
# Errors that say that this machine has no sockets left, not that the target fails.
SHORTAGES = ("[Errno 23]", "[Errno 24]", "[Errno 99]", "[Errno 105]")


@dataclass(frozen=True, slots=True)
class Health:
    """What a generator was like over some time. Times in milliseconds, None where nothing was seen."""

    cpu: float
    lag_p50_ms: float | None
    late_p99_ms: float | None
    shortages: int = 0
    in_flight: float = 0.0
    n_max: int | None = None


def alarms(health: Health) -> list[Text]:
    """Why the generator, not the target, limited the load; none where it did not."""
    found = []
    lag = health.lag_p50_ms or 0.0
    if health.cpu > BUSY and lag > LAGGING_MS:
        found.append(
            Text(
                f"The generator used {health.cpu:.2f} of a core and its loop was {lag:.1f} ms late: "
                "use more workers, or less load.",
                f"压测端 CPU 占用 {health.cpu:.2f} 核，事件循环延迟 {lag:.1f} ms：请增加 worker 或降低负载。",
            )
        )
    if (late := health.late_p99_ms or 0.0) > LATE_MS:
        found.append(
            Text(
                f"One arrival in a hundred was sent {late:.0f} ms late or later: use more workers, or a lower rate.",
                f"有 1 % 的请求晚发 {late:.0f} ms 以上：请增加 worker 或降低速率。",
            )
        )
    if health.shortages:
        found.append(
            Text(
                f"{health.shortages} requests found no free socket on this machine: raise its limit of open files.",
                f"{health.shortages} 个请求在本机无可用套接字：请提高打开文件数上限。",
            )
        )
    return found


def held_back(rows: Sequence[Json], asked: float, rate: float | None) -> Text | None:
    """What to say where `max_rate` kept back a part of the load; `asked`: seconds in flight that were to come of it."""
    held = sum(row["held_s"] for row in rows)
    if rate is None or not asked or held <= HELD * asked:
        return None
    share = 100 * held / asked
    return Text(
        f"The target's max_rate of {rate:g} kept back {share:.0f} % of the load: give fewer --users, or raise it.",
        f"目标的 max_rate（{rate:g}）压住了 {share:.0f} % 的负载：请用 --users 减少并发，或提高 max_rate。",
    )


def health_of(rows: Sequence[Json], *, shortages: int = 0, n_max: int | None = None) -> Health:
    """The health over some rows of a series: the mean of the processor, the medians of the rest."""
    busy = [row for row in rows if row["sent"]]
    lags = sorted(row["hub_lag_ms"] for row in busy if row["hub_lag_ms"] is not None)
    late = sorted(row["late_ms"] for row in busy if row["late_ms"] is not None)
    return Health(
        cpu=sum(row["cpu"] for row in busy) / len(busy) if busy else 0.0,
        lag_p50_ms=lags[len(lags) // 2] if lags else None,
        late_p99_ms=late[len(late) // 2] if late else None,
        shortages=shortages,
        in_flight=max((row["in_flight"] for row in busy), default=0.0),
        n_max=n_max,
    )


def is_shortage(failure: str) -> bool:
    """Whether a request failed for want of a socket here."""
    return any(code in failure for code in SHORTAGES)


def holds_at_most(rate: float, service_ms: float | None) -> int | None:
    """How many requests in flight a generator that makes `rate` a second can keep up, by Little's law."""
    return int(rate * service_ms / 1000) if service_ms else None
