"""What is said of a client, in both languages. Pure."""

from __future__ import annotations

from biztoken.verdicts import Text

_EXPECTED = {
    "success": ("a success told: exit status 0", "报告成功：退出状态 0"),
    "failure": ("a failure told: an exit status other than 0", "报告失败：退出状态不为 0"),
    "reason": ("{keep} in what it prints", "输出中有 {keep}"),
    "no-crash": ("an answer that is read, not an exception", "读懂应答，而不是抛出异常"),
    "retry": ("the request sent again", "再次请求"),
    "give-up": ("an end in less than {limit} s and {most} requests", "{limit} 秒、{most} 次请求之内结束"),
    "timeout": ("an end in less than {limit} s", "{limit} 秒之内结束"),
    "back-off": ("waits that grow between requests, or none sent", "逐步延长等待后再请求，或不再请求"),
    "new-sign": ("a new sign in each request", "每次请求用新的签名"),
    "no-repeat": ("the request not sent again as it was", "不原样重发"),
    "no-request": ("nothing sent", "不发送任何内容"),
    "tls": ("a TLS handshake before anything else", "先进行 TLS 握手"),
    "not-printed": ("an output without it", "输出中没有它"),
    "accepted": ("a request that is accepted", "请求被接受"),
}
_RECEIVED = {
    "failed": ("{end}, though a biz_token came", "{end_zh}，而 biz_token 已经返回"),
    "open": ("{end}, though no whole biz_token came", "{end_zh}，而没有得到完整的 biz_token"),
    "lost": ("{end}; the error is not in its output", "{end_zh}；输出中没有该错误"),
    "lost-crash": ("a crash ({name}); the error is not in its output", "程序崩溃（{name}）；输出中没有该错误"),
    "crash": ("a crash: {name}", "程序崩溃：{name}"),
    "once": ("one request only", "只请求了一次"),
    "endless": ("more than {most} requests, and no end", "请求超过 {most} 次，仍未结束"),
    "still": ("still running after {limit} s, with requests sent: {n}", "{limit} 秒后仍在运行，已请求 {n} 次"),
    "waiting": ("still waiting after {limit} s", "{limit} 秒后仍在等待"),
    "hammering": ("requests again after {waits} s", "间隔 {waits} 秒就再次请求"),
    "same-sign": ("the sign of an earlier request, sent again", "再次发送此前用过的签名"),
    "same-sign-starts": ("the sign of an earlier start, sent again", "再次发送上一次启动时用过的签名"),
    "repeated": ("the same request again after status {status}", "状态 {status} 之后原样重发"),
    "sent": ("the request, sent to it", "向其发送了请求"),
    "clear": ("a request in the clear", "以明文发送了请求"),
    "printed": ("{what} in its output ({spelling})", "输出中含有 {what_zh}（{spelling}）"),
    "refused": ("status {status}, {error}", "状态 {status}，{error}"),
    "refused-bare": ("status {status}", "状态 {status}"),
}
_NOTES = {
    "gave-up-at-once": ("It gave up at once.", "立即放弃。"),
    "gave-up-after": ("It gave up after {n} requests.", "请求 {n} 次后放弃。"),
    "waits": ("It waited {waits} s between its requests.", "各次请求之间等待 {waits} 秒。"),
    "again": ("It sent the request again, {n} in all.", "再次请求，共 {n} 次。"),
    "again-same-biz-no": (
        "It sent the request again, {n} in all, with the same biz_no: two sessions may stand under one number.",
        "再次请求，共 {n} 次，biz_no 相同：同一流水号可能对应两次业务。",
    ),
    "not-again": ("It did not send the request again.", "没有再次请求。"),
    "ended-after": ("It ended after {seconds} s.", "{seconds} 秒后结束。"),
    "waited": ("It waited {seconds} s for the answer.", "等到了 {seconds} 秒后的应答。"),
    "did-not-wait": ("It did not wait {seconds} s for the answer.", "没有等到 {seconds} 秒后的应答。"),
    "trusted": ("It took the authority from its environment.", "采用了环境变量中的 CA。"),
    "not-trusted": (
        "It refused the certificate: it does not take an authority from BIZTOKEN_CACERT or its like.",
        "拒绝了该证书：没有采用 BIZTOKEN_CACERT 等环境变量中的 CA。",
    ),
    "detail-lost": ("It kept {name}, and lost which parameter it is about.", "保留了 {name}，但丢失了参数名。"),
}
_REASONS = {
    "silent": ("The client sent nothing ({end}).", "客户端没有发送任何请求（{end_zh}）。"),
    "no-control": (
        "The client did not do well when all was well, so its failures prove nothing.",
        "一切正常时客户端也未成功，因此它的失败不能说明问题。",
    ),
    "one-request": ("It sent one request only, so it never needed a second.", "只请求了一次，不涉及再次请求。"),
    "no-words": ("The client handed in no words of its own.", "客户端没有提交输出。"),
    "no-outcome": ("The client did not say how it ended.", "客户端没有报告结果。"),
    "not-reached": ("Its clause did not come up in this drill.", "本次演练没有涉及这一条。"),
    "not-ended": ("It was stopped before it could tell.", "客户端尚未报告就被终止。"),
}
_ENDS = {
    "status": ("exit status {status}", "退出状态 {status}"),
    "signal": ("ended by signal {status}", "被信号 {status} 终止"),
    "success": ("a success told", "报告成功"),
    "failure": ("a failure told", "报告失败"),
    "unknown": ("no outcome told", "没有报告结果"),
    "stopped": ("stopped after {seconds} s", "{seconds} 秒后被终止"),
}


def expected(key: str, **values: object) -> Text:
    """What the contract asks for."""
    return _say(_EXPECTED, key, values)


def received(key: str, **values: object) -> Text:
    """What came instead."""
    return _say(_RECEIVED, key, values)


def note(key: str, **values: object) -> Text:
    """What was seen where nothing is asked for."""
    return _say(_NOTES, key, values)


def reason(key: str, **values: object) -> Text:
    """Why nothing can be said."""
    return _say(_REASONS, key, values)


def end(key: str, **values: object) -> dict[str, str]:
    """How a client ended, as values for the other texts."""
    told = _say(_ENDS, key, values)
    return {"end": told.en, "end_zh": told.zh}


def _say(table: dict[str, tuple[str, str]], key: str, values: dict[str, object]) -> Text:
    english, chinese = table[key]
    return Text(english.format(**values), chinese.format(**values))
