"""The steps up to the first request: the file, its secrets, the line. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from biztoken.doctor.diagnosis import Step, Trouble
from biztoken.doctor.observation import Line, Seen
from biztoken.settings import REGIONS, Target, without_password

SOON = 14  # days before a certificate ends from which it is told
_BLANKS = " \t\r\n\u3000'\"\u201c\u201d\u2018\u2019"  # what a value picks up when it is copied


def failed_step(name: str, trouble: Trouble, seconds: float = 0.0) -> Step:
    """A step that met the trouble."""
    return Step(name, "fail", trouble.en, trouble.zh, seconds)


def skipped_step(name: str) -> Step:
    """A step that was not come to."""
    return Step(name, "skipped", "not reached", "未执行到")


def file_step(target: Target) -> Step:
    """What the target file names."""
    url = without_password(target.url)
    region = next((name for name, host in REGIONS.items() if host == urlsplit(target.url).hostname), None)
    return (
        Step("file", "ok", f"{url}, region {region}", f"{url}，地区 {region}")
        if region
        else Step("file", "ok", url, url)
    )


def secrets_step(target: Target) -> Step:
    """The keys, and what was copied along with them."""
    for role, key in target.keys.items():
        for name, value in (("api_key", key.api_key), ("api_secret", key.api_secret.reveal())):
            if value.strip(_BLANKS) != value:
                field = f"keys.{role}.{name}"
                return Step(
                    "secrets",
                    "warn",
                    f"{field} begins or ends with a blank or a quotation mark; remove it unless it is part of it",
                    f"{field} 的首尾有空白或引号；如非其本身的一部分，请删除",
                )
    roles = ", ".join(target.keys)
    return Step("secrets", "ok", f"there for: {roles}", f"已提供：{roles.replace(', ', '、')}")


def line_steps(target: Target, seen: Seen, broken: Trouble | None) -> Iterator[Step]:
    """DNS, the connection and TLS, as far as they came."""
    line, first = seen.line, "proxy" if target.proxy else "tcp"
    reached = True
    for name in ("dns", first, "tls"):
        if not reached:
            yield skipped_step(name)
        elif broken and line.failed == name:
            reached = False
            yield failed_step(name, broken, line.seconds.get(name, 0.0))
        elif name == "dns":
            yield _dns(target, line)
        elif name == "tls":
            yield _tls(target, line, seen.now)
        else:
            yield _connected(target, line, name)


def _dns(target: Target, line: Line) -> Step:
    host = urlsplit(target.proxy or target.url).hostname or ""
    more = f" +{len(line.addresses) - 1}" if len(line.addresses) > 1 else ""
    if line.addresses[:1] == (host,):
        return Step("dns", "ok", f"{host} is an address", f"{host} 本身就是地址")
    known = f"{line.addresses[0] if line.addresses else '-'}{more}"
    return Step("dns", "ok", f"{host} is {known}", f"{host} 解析为 {known}", line.seconds.get("dns", 0.0))


def _connected(target: Target, line: Line, name: str) -> Step:
    place = urlsplit(without_password(target.proxy or target.url)).netloc
    return Step(name, "ok", f"{place} takes connections", f"{place} 可以连接", line.seconds.get(name, 0.0))


def _tls(target: Target, line: Line, now: float) -> Step:
    took = line.seconds.get("tls", 0.0)
    if not line.tls and target.is_loopback:
        return Step("tls", "ok", "plain http, which does not leave this machine", "明文 http，但不离开本机")
    if not line.tls:
        return Step(
            "tls",
            "warn",
            "plain http: names, ID numbers and pictures can be read on the way; write https:// in url",
            "明文 http：姓名、证件号和图片在途中可被读取；请在 url 中使用 https://",
        )
    if line.expires is None:
        return Step("tls", "ok", f"{line.tls}, certificate trusted", f"{line.tls}，证书可信", took)
    days = int((line.expires - now) // 86_400)
    if days < SOON:
        return Step(
            "tls",
            "warn",
            f"{line.tls}, and the certificate expires in {days} days; have it renewed",
            f"{line.tls}，证书将在 {days} 天后过期；请让接口方更换证书",
            took,
        )
    return Step(
        "tls",
        "ok",
        f"{line.tls}, certificate trusted and valid for {days} days",
        f"{line.tls}，证书可信，{days} 天后过期",
        took,
    )
