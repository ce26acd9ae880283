"""Why a limit cannot be told, or what there is to say beside it, in two languages. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from biztoken.errors import HarnessError
from biztoken.verdicts import Text

BY_MAX = Text("--max", "--max")
BY_RATE = Text("max_rate in the target file", "目标文件中的 max_rate")
BY_FILES = Text("limit of open files on this machine", "本机的打开文件数上限")


def not_accepted(told: str) -> Text:
    """The requests before the first burst were not all accepted."""
    return Text(
        f"One request alone was accepted, and a moment later not: {told}. Others may be using the key.",
        f"单独一个请求曾被接受，片刻之后却没有：{told}。可能有其他程序正在使用该 key。",
    )


def none_up_to(most: int, bound: Text) -> Text:
    """No burst was refused. `bound`: what would have to be raised for a greater one."""
    return Text(
        f"No limit was met: {most} requests at once were all admitted; a greater burst needs a greater {bound.en}.",
        f"没有遇到并发上限：同时 {most} 个请求全部被接受；更大的并发请提高 {bound.zh}。",
    )


def not_enough(needed: float, found: int) -> Text:
    """What a peak takes is more than there is."""
    return Text(
        f"The limit is not enough at the peak: {needed:.1f} in flight are needed on average, {found} found.",
        f"并发上限在高峰时不够用：平均需要 {needed:.1f} 个并发，实测上限为 {found}。",
    )


def none_of(count: int) -> Text:
    """All of a burst were refused."""
    return Text(
        f"None of {count} requests at once was admitted, though one alone is: others may be using the key.",
        f"同时发送的 {count} 个请求均未被接受，而单独一个可以：可能有其他程序正在使用该 key。",
    )


def ceiling(limit: int, per_second: float) -> Text:
    """The confirmation may not be sent."""
    return Text(
        f"max_rate {per_second:g} does not let {limit} and {limit + 1} requests follow at once; raise it.",
        f"max_rate {per_second:g} 不允许 {limit} 个与 {limit + 1} 个请求紧接着发送；请提高它。",
    )


def fewer(limit: int) -> Text:
    """L were admitted once, and not again."""
    return Text(
        f"The limit is not steady: {limit} at once were admitted, and then again not all of them. "
        "Others may be using the key.",
        f"并发上限不稳定：同时 {limit} 个请求曾全部被接受，之后却没有。可能有其他程序正在使用该 key。",
    )


def more(limit: int) -> Text:
    """L+1 were admitted, though of a greater burst only L."""
    return Text(
        f"The limit is not steady: of a greater burst {limit} were admitted, and of {limit + 1} all; "
        "the target may have finished some before it took up the last. Let requests take longer (--picture).",
        f"并发上限不稳定：更多请求同时发送时只接受了 {limit} 个，而 {limit + 1} 个却全部被接受；"
        "目标可能在处理最后一个之前已完成了一些。请让请求耗时更长（--picture）。",
    )


def quota(limit: int, seconds: float, *, is_steady: bool) -> Text:
    """Requests are counted by the second."""
    when = f"all of them again {seconds:.1f} s after the first" if is_steady else "and it depends on the moment"
    when_zh = f"在第一个请求 {seconds:.1f} 秒之后才又全部被接受" if is_steady else "且取决于所处的时刻"
    return Text(
        f"It is a quota of about {limit} requests per second, not a limit in flight: as soon as {limit} requests had "
        f"ended fewer were admitted, {when}.",
        f"这是每秒约 {limit} 个请求的配额，而不是并发上限：{limit} 个请求刚结束后再发，被接受的更少，{when_zh}。",
    )


def late(limit: int, seconds: float) -> Text:
    """A slot outlasts its reply."""
    return Text(
        f"A slot is freed about {seconds * 1000:.0f} ms after its reply: {limit} at once are admitted after a rest, "
        "and fewer in steady use.",
        f"并发名额在应答之后约 {seconds * 1000:.0f} 毫秒才释放：间歇之后可同时 {limit} 个，持续使用时更少。",
    )


def never_back(limit: int, seconds: float) -> Text:
    """What was taken does not come back."""
    return Text(
        f"{limit} at once were admitted, and {seconds:g} s later no longer: a quota over a longer time, or slots that "
        "never come back.",
        f"同时 {limit} 个请求曾全部被接受，{seconds:g} 秒之后却不再如此：可能是更长时间的配额，或名额不再归还。",
    )


def per_connection(limit: int) -> Text:
    """Idle connections count."""
    return Text(
        f"The limit counts connections, not requests: {limit} connections are served, and others are refused while "
        "those are open and idle.",
        f"限制的是连接数而不是请求数：{limit} 个连接可用，在它们打开且空闲时其他连接被拒绝。",
    )


def too_fast(count: int, spread: float, baseline: float) -> Text:
    """The target may have answered the first of a burst before the last was sent."""
    took, alone = f"{spread * 1000:.1f}", f"{baseline * 1000:.1f}"
    return Text(
        f"The target is too fast for this machine: {count} requests went out within {took} ms, and one alone takes "
        f"{alone} ms.",
        f"目标对本机而言太快：{count} 个请求在 {took} 毫秒内发完，而单个请求只需 {alone} 毫秒。",
    )


def not_for_concurrency(other: Mapping[str, int], count: int, due: str) -> Text:
    """Some of a burst got another error."""
    told = ", ".join(f"{number} × {name}" for name, number in other.items())
    return Text(
        f"Of {count} requests at once some were refused in another way than {due}: {told}.",
        f"同时发送的 {count} 个请求中，有的以 {due} 之外的方式被拒绝：{told}。",
    )


def no_reply(missing: int, count: int, told: str) -> Text:
    """Some of a burst got nothing."""
    return Text(
        f"{missing} of {count} requests at once got no reply ({told}).",
        f"同时发送的 {count} 个请求中有 {missing} 个没有得到应答（{told}）。",
    )


def not_sent(count: int, problem: HarnessError) -> Text:
    """A burst could not be made."""
    return Text(f"{count} requests could not be sent at once: {problem}.", f"无法同时发送 {count} 个请求：{problem}。")
