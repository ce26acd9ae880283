"""What a reply to the sound request says of key, clock and endpoint. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import urljoin, urlsplit

from biztoken.doctor.diagnosis import Trouble
from biztoken.doctor.failures import no_reply
from biztoken.doctor.skew import FAR, OFF, Skew
from biztoken.evidence import PRIVATE_FIELDS
from biztoken.model import Exchange, Reply
from biztoken.reading import Outcome, Reading, read
from biztoken.redaction import Redactor
from biztoken.settings import REGIONS, Target, without_password
from biztoken.verdicts import Text

_PRIVATE = {*PRIVATE_FIELDS, "sign"}
LONGEST = 100  # characters of a foreign text that a sentence quotes
# Reasons that speak of one combination of comparison and liveness type: the key may well be fit for another.
OF_A_COMBINATION = ("NO_VERIFY_PERMISSION", "NO_DATA_SOURCE_PERMISSION")
BUSY = ("LIMIT_REACHED", "CONCURRENCY_LIMIT_EXCEEDED")
_REGION_NAMES = {
    "china": ("China", "中国"),
    "singapore": ("Singapore", "新加坡"),
    "indonesia": ("Indonesia", "印度尼西亚"),
}
_CHECK_KEY = Text(
    "check api_key and api_secret, and that the key belongs to this url",
    "请检查 api_key 和 api_secret，以及该 key 是否属于这个 url",
)
# By the reason of a refusal: what to do.
_WAYS_OUT: Mapping[str, Text] = {
    "API_KEY_BE_DISCONTINUED": Text("use a key that is in service", "请使用有效的 key"),
    "IP_NOT_ALLOWED": Text(
        "call from an allowed address, or have this one allowed", "请从允许的 IP 调用，或让对方放行本机的 IP"
    ),
    "DENIED": Text("have this API permitted for the key", "请为该 key 开通本接口"),
    "MORE_RETRY_TIMES": Text("wait until its retries are given back", "请等待重试次数恢复"),
    "NO_VERIFY_PERMISSION": Text("have face comparison permitted for the key", "请为该 key 开通人脸比对"),
    "NO_DATA_SOURCE_PERMISSION": Text("have KYC verification permitted for the key", "请为该 key 开通 KYC 验证"),
}


def printable(text: str, private: Iterable[str]) -> str:
    """A text of the endpoint's, in one short line without anything private."""
    text = str(Redactor(private).redact(text))
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"


def private_texts(target: Target, exchange: Exchange) -> list[str]:
    """What no sentence about an exchange may say."""
    sent = [value for name, value in exchange.form if name in _PRIVATE and isinstance(value, str)]
    return [*target.private_texts(), *sent]


def busy(target: Target, told: str) -> Trouble:
    """What to say where load or quota is all that the endpoint tells."""
    return Trouble(
        "key",
        f"keys.active of {target.name}",
        f"the endpoint keeps answering {told}; use a key with quota left, or try when it is idle",
        f"接口一直返回 {told}；请换用仍有余量的 key，或在空闲时再试",
    )


def refusal(target: Target, exchange: Exchange, reply: Reply, skew: Skew | None) -> Trouble | None:
    """Why a sound request was not accepted, None where it was."""
    reading = read(reply)
    private = private_texts(target, exchange)
    error = printable(reading.error or "", private)
    if reading.outcome is Outcome.ACCEPTED:
        return None
    if reading.name == "AUTHENTICATION_ERROR" or reading.detail == "INVALID_SIGN":
        is_far = skew is not None and skew.least >= FAR
        return _clock(error, skew) if skew and is_far else _of_the_key(target, error, _with_regions(target))
    if reading.detail == "EXPIRED_SIGN":
        return _expired(target, error, skew)
    if reading.name in BUSY or reading.detail in BUSY:
        return busy(target, error)
    if reading.name == "AUTHORIZATION_ERROR":
        return _of_the_key(target, error, _WAYS_OUT.get(reading.detail, _CHECK_KEY))
    return _of_the_endpoint(target, reply, reading, error, printable(_redirect(target, reply), private))


def _of_the_key(target: Target, error: str, way_out: Text) -> Trouble:
    return Trouble(
        "key",
        f"keys.active of {target.name}",
        f"the sound request is refused with {error}; {way_out.en}",
        f"正确的请求被拒绝：{error}；{way_out.zh}",
    )


def _with_regions(target: Target) -> Text:
    """What to do about a bad signature; on a host of the vendor's the key may be one of another region."""
    if urlsplit(target.url).hostname not in REGIONS.values():
        return _CHECK_KEY
    hosts = ", ".join(f"{host} ({_REGION_NAMES[name][0]})" for name, host in REGIONS.items())
    hosts_zh = "、".join(f"{host}（{_REGION_NAMES[name][1]}）" for name, host in REGIONS.items())
    return Text(
        f"{_CHECK_KEY.en}: a key of one region does not work on the host of another, which are {hosts}",
        f"{_CHECK_KEY.zh}：一个地区的 key 不能用于其他地区的主机，各地区主机为 {hosts_zh}",
    )


def _clock(error: str, skew: Skew) -> Trouble:
    told = skew.told()
    return Trouble(
        "clock",
        "clock",
        f"{told.en}, so that a signature made now is refused with {error}; set this machine's clock right",
        f"{told.zh}，刚生成的签名因此被拒绝：{error}；请校准本机时钟",
    )


def _expired(target: Target, error: str, skew: Skew | None) -> Trouble:
    if skew is not None and skew.least >= OFF:
        return _clock(error, skew)
    if skew is None:
        return Trouble(
            "clock",
            "clock",
            f"a signature made now is refused with {error}; set this machine's clock right",
            f"刚生成的签名被拒绝：{error}；请校准本机时钟",
        )
    return Trouble(
        "endpoint",
        f"url {without_password(target.url)}",
        f"a signature made now is refused with {error}, though its Date header agrees with this machine's clock; "
        "have the clock there that checks signatures set right, or, if both are wrong, set this machine's clock right",
        f"刚生成的签名被拒绝：{error}，而其 Date 应答头与本机时钟一致；"
        "请让接口方校准校验签名的时钟，若两边都不准，请校准本机时钟",
    )


def _of_the_endpoint(target: Target, reply: Reply, reading: Reading, error: str, place: str) -> Trouble:
    what = f"url {without_password(target.url)}"
    told = f"status {reply.status}, {error or 'no error told'}"
    told_zh = f"状态码 {reply.status}，{error or '无 error'}"
    if reply.status == 407 and target.proxy:
        return no_reply(target, "proxy: refused (HTTP/1.1 407)", 0.0)
    if place:
        en = f"it answers with a redirect to {place} (status {reply.status}); correct url, if that is the endpoint"
        zh = f"它返回重定向到 {place}（状态码 {reply.status}）；如果那才是接口，请改正 url"
    elif reading.data is None:
        return _no_json(target, reply)
    elif reading.name == "API_NOT_FOUND":
        en = f"there is no API at this path ({told}); correct the path in url"
        zh = f"该路径上没有接口（{told_zh}）；请改正 url 中的路径"
        return Trouble("file", what, en, zh)
    elif reply.status >= 500:
        en = f"it fails on a sound request ({told}); ask its operator, or try later"
        zh = f"正确的请求导致它出错（{told_zh}）；请联系运营方，或稍后再试"
    else:
        en = f"the sound request is refused ({told}); see what it objects to"
        zh = f"正确的请求被拒绝（{told_zh}）；请查看它所指的问题"
    return Trouble("endpoint", what, en, zh)


def _redirect(target: Target, reply: Reply) -> str:
    """Where a redirect leads, without what follows the path; empty where the reply is none."""
    location = next((value for name, value in reply.headers if name.lower() == "location"), "")
    if not 300 <= reply.status < 400 or not location:
        return ""
    try:
        parts = urlsplit(urljoin(target.url, location))
    except ValueError:  # half an address
        return location.partition("?")[0]
    return without_password(parts._replace(query="", fragment="").geturl())


def _no_json(target: Target, reply: Reply) -> Trouble:
    is_page = reply.body.lstrip()[:1] == b"<"
    kind, kind_zh = ("a web page", "网页") if is_page else ("something that is no JSON", "非 JSON 内容")
    if target.proxy and target.url.startswith("http:"):
        return Trouble(
            "network",
            f"proxy {without_password(target.proxy)}",
            f"it, or the endpoint behind it, answers with {kind} (status {reply.status}); "
            "correct proxy, or try without it",
            f"该代理或其后的接口返回了{kind_zh}（状态码 {reply.status}）；请改正 proxy，或不使用代理再试",
        )
    if reply.status >= 500:
        way = Text("ask its operator, or try later", "请联系运营方，或稍后再试")
    else:
        way = Text("check that url is the endpoint, path included", "请检查 url 是否为该接口，包括路径")
    return Trouble(
        "endpoint",
        f"url {without_password(target.url)}",
        f"it answers with {kind} (status {reply.status}); {way.en}",
        f"它返回了{kind_zh}（状态码 {reply.status}）；{way.zh}",
    )
