"""Which targets may be loaded, and how much they may be sent: hard ceilings, before the first request. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from biztoken.errors import UserError
from biztoken.load.profile import Profile
from biztoken.load.schedule import share
from biztoken.settings import Target


@dataclass(frozen=True, slots=True)
class Ceilings:
    """What may never be exceeded: requests in any second, and requests in all. None where there is no end."""

    rate: float | None = None
    requests: int | None = None

    def less(self, spent: int) -> Ceilings:
        """What is left once so many requests were sent."""
        return self if self.requests is None else Ceilings(self.rate, max(0, self.requests - spent))

    def share(self, index: int, count: int) -> Ceilings:
        """What one of so many workers may send; together they stay below the whole."""
        rate = None if self.rate is None else self.rate / count
        return Ceilings(rate, None if self.requests is None else share(self.requests, index, count))


def permit(target: Target) -> Ceilings:
    """The ceilings of a target. UserError where it may not be loaded at all."""
    if not target.is_loopback and not (target.allow_load and target.max_rate and target.max_requests):
        raise UserError(
            target.url.partition("?")[0] if "@" not in target.url else "url",
            "it is not on this machine, and its file does not allow load; with its owner's leave "
            "write allow_load: true, max_rate and max_requests there",
            "不在本机，且目标文件未允许压测；征得其所有者同意后，请写明 allow_load: true、max_rate 和 max_requests",
        )
    return Ceilings(target.max_rate, target.max_requests)


def fit_workers(ceilings: Ceilings, workers: int) -> None:
    """UserError where each of so many would have less than one request a second: two of them could meet in one."""
    if ceilings.rate is not None and workers > max(1, ceilings.rate):
        most = max(1, int(ceilings.rate))
        raise UserError(
            f"max_rate {ceilings.rate:g}",
            f"that is less than one request a second for each of {workers} workers; use at most {most}",
            f"{workers} 个 worker 每个每秒不足一个请求；最多使用 {most} 个",
        )


def fit_in(profile: Profile, ceilings: Ceilings) -> None:
    """UserError where a profile asks for a higher arrival rate than may be sent: it could only come late."""
    if profile.is_open and ceilings.rate is not None and profile.peak > ceilings.rate:
        raise UserError(
            f"max_rate {ceilings.rate:g}",
            f"the profile {profile.name} sends {profile.peak:g} requests a second; give --rate {ceilings.rate:g}",
            f"方案 {profile.name} 每秒发送 {profile.peak:g} 个请求；请加 --rate {ceilings.rate:g}",
        )
