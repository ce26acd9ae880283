"""The first requests of a run: what the key may use, and whether anything sound gets through at all."""

from __future__ import annotations

import time
from collections.abc import Mapping

from biztoken.cases import Branch, all_branches
from biztoken.controls import Control
from biztoken.errors import UserError
from biztoken.model import Exchange, Verdict
from biztoken.reading import Reading, read
from biztoken.runner import REPEATS, Run
from biztoken.sender import NoisyReplyError
from biztoken.settings import Target


def find_branches(run: Run) -> None:
    """Send the control of every branch. UserError, naming whose side is at fault, where none gets through."""
    target, branches = run.client.target, all_branches(run.contract)
    refusals: list[Reading] = []
    for branch in branches:
        control = _control(run, branch)
        if control.exchange.reply is None and branch == branches[0]:
            raise _unreachable(target, control.exchange)
        if control.exchange.reply is not None and control.verdict in (Verdict.NOT_APPLICABLE, Verdict.HARNESS):
            refusals.append(read(control.exchange.reply))
    if len(refusals) == len(branches):
        raise _no_permission(target, refusals[0])


def _control(run: Run, branch: Branch) -> Control:
    """The control of a branch, however busy the target is at first."""
    for pause in (0.0, *(0.25 * 4**number for number in range(REPEATS))):
        time.sleep(pause)  # quotas and slots come back with time; there is no event
        try:
            return run.controls.get(branch, {}, "probe")
        except NoisyReplyError as noise:
            told = str(noise)
    raise UserError(
        f"keys.active of {run.client.target.name}",
        f"the endpoint keeps answering {told}; use a key with quota left, or try when it is idle",
        f"接口一直返回 {told}；请换用仍有余量的 key，或在空闲时再试",
    )


_CLOSED = ("check that url is the endpoint", "连接被关闭，没有应答", "请检查 url 是否为该接口")
# By the reason for which there was no reply: what to do, what happened in Chinese, what to do in Chinese.
_NO_REPLY: Mapping[str, tuple[str, str, str]] = {
    "dns": ("correct the host name in url", "主机名无法解析", "请改正 url 中的主机名"),
    "connect": ("start the endpoint or correct url", "无法建立连接", "请启动接口或改正 url"),
    "tls": (
        "give the CA in cacert or correct url",
        "TLS 连接失败，证书不可信或协议不符",
        "请在 cacert 中给出 CA 或改正 url",
    ),
    "proxy": ("correct proxy", "代理不可用", "请改正 proxy"),
    "timeout": ("check the endpoint, or raise timeout", "超时，没有应答", "请检查接口，或调大 timeout"),
    "protocol": ("check that url is the endpoint", "返回的不是 HTTP", "请检查 url 是否为该接口"),
}


def _unreachable(target: Target, exchange: Exchange) -> UserError:
    reason, _, text = (exchange.failure or "").partition(": ")
    hint, told, zh = _NO_REPLY.get(reason, _CLOSED)
    return UserError(f"url {target.url}", f"{text}; {hint}", f"{told};{zh}")


def _no_permission(target: Target, reading: Reading) -> UserError:
    hint, zh = {
        "API_KEY_BE_DISCONTINUED": ("use a key that is in service", "请使用有效的 key"),
        "EXPIRED_SIGN": ("set this machine's clock right", "请校准本机时钟"),
        "IP_NOT_ALLOWED": ("call from an allowed address", "请从允许的 IP 调用"),
    }.get(
        reading.detail,
        (
            "check api_key and api_secret, and that the key belongs to this url",
            "请检查 api_key 和 api_secret，以及该 key 是否属于这个 url",
        ),
    )
    return UserError(
        f"keys.active of {target.name}",
        f"every sound request is refused with {reading.error}; {hint}",
        f"正确的请求全部被拒绝：{reading.error}；{zh}",
    )
