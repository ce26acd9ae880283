"""Why there was no reply, in words: what wire tells -> whose side, what, and what to do. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.utils import formatdate
from errno import ECONNREFUSED
from urllib.parse import urlsplit

from biztoken.doctor.diagnosis import Side, Trouble
from biztoken.settings import REGIONS, Target, without_password

# What wire tells ("reason: text") -> kind; a group in the pattern is its detail. The first that fits counts.
_KINDS = (
    (r"dns:", "host"),
    (r"resolver:", "resolver"),
    (rf"connect:.*Errno {ECONNREFUSED}\b", "refused"),
    (r"connect:.*timed out", "far"),
    (r"connect:.*\((.*)\)$", "unreachable"),
    (r"tls:.*has expired", "tls-expired"),
    (r"tls:.*not yet valid", "tls-early"),
    (r"tls:.*mismatch", "tls-host"),
    (r"tls:.*not trusted", "tls-authority"),
    (r"tls:.*(?:NO_CERTIFICATE|NO_START_LINE|PEM)", "cacert"),
    (r"tls:.*(?:PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL)", "tls-version"),
    (r"tls:.*(?:WRONG_VERSION|HTTP_REQUEST|RECORD_LAYER|PACKET_LENGTH)", "tls-none"),
    (r"tls:.*(?:Timeout|timed out)", "tls-silent"),
    (r"tls:.*(?:EOF|Reset|Aborted|BrokenPipe)", "tls-cut"),
    (r"tls:", "tls"),
    (r"proxy:.*is unknown", "proxy-host"),
    (r"proxy:.*refused \(HTTP/\S+ 407", "proxy-login"),
    (r"proxy:.*refused \(HTTP/\S+ ([1345]\d\d)", "proxy-status"),
    (r"proxy:.*(?:refused \(nothing|does not answer)", "proxy-silent"),
    (r"proxy:.*refused \(", "proxy-page"),
    (r"proxy:", "proxy-refused"),
    (r"timeout:", "timeout"),
    (r"protocol:", "protocol"),
    (r"truncated:", "truncated"),
)

# By kind: whose side; what happened and what to do, in English and in Chinese.
_WORDS: Mapping[str, tuple[Side, str, str]] = {
    "host": (
        "file",
        "the host {host} is unknown; correct the host name in url, or join the network that knows it",
        "主机名 {host} 无法解析；请改正 url 中的主机名，或接入能解析它的网络",
    ),
    "host-of-a-region": (
        "network",
        "this network does not know the host {host}; check this machine's name servers, or set proxy",
        "本机所在的网络无法解析 {host}；请检查 DNS 设置，或设置 proxy",
    ),
    "resolver": (
        "network",
        "no name server answers for {host}; check this machine's network and its name servers",
        "没有域名服务器应答 {host} 的查询；请检查本机的网络和 DNS 设置",
    ),
    "refused": (
        "endpoint",
        "nothing listens at {address}; start the endpoint or correct url",
        "{address} 没有服务在监听；请启动接口或改正 url",
    ),
    "far": (
        "network",
        "{address} takes no connection within {timeout:g} s; check firewall and VPN, set proxy, or correct url",
        "{timeout:g} 秒内无法连接 {address}；请检查防火墙和 VPN、设置 proxy，或改正 url",
    ),
    "unreachable": (
        "network",
        "no connection to {address} ({detail}); check this machine's network and VPN, set proxy, or correct url",
        "无法连接 {address}；请检查本机的网络和 VPN、设置 proxy，或改正 url",
    ),
    "tls-expired": (
        "endpoint",
        "its certificate has expired (this machine's clock says {now}); have it renewed",
        "其证书已过期（本机时钟为 {now}）；请让接口方更换证书",
    ),
    "tls-early": (
        "clock",
        "its certificate is not valid yet, and this machine's clock says {now}; set this machine's clock right",
        "其证书尚未生效，而本机时钟为 {now}；请校准本机时钟",
    ),
    "tls-host": (
        "file",
        "its certificate is for another host than {host}; correct url to the name in the certificate, "
        "or have a certificate for {host} issued",
        "其证书不属于主机 {host}；请把 url 改为证书中的主机名，或让接口方为 {host} 签发证书",
    ),
    "tls-authority": (
        "file",
        "its certificate comes from an authority that this machine does not know; give that authority in cacert",
        "其证书由本机不信任的机构签发；请在 cacert 中给出该机构的证书",
    ),
    "tls-other-authority": (
        "file",
        "its certificate does not come from the authority in cacert; give the one that signed it",
        "其证书不是由 cacert 中的机构签发的；请给出签发它的机构",
    ),
    "tls-replaced": (
        "network",
        "its certificate comes from an authority that this machine does not know, which for this host means that "
        "something on the way replaces it; use another network, or give the authority of your firewall in cacert",
        "其证书由本机不信任的机构签发，对这个主机来说意味着证书在途中被替换；"
        "请换一个网络，或在 cacert 中给出防火墙的证书机构",
    ),
    "cacert": (
        "file",
        "it holds no certificate that can be read; give the certificate of the authority in PEM",
        "其中没有可读取的证书；请给出 PEM 格式的机构证书",
    ),
    "tls-version": (
        "endpoint",
        "it speaks only versions of TLS older than 1.2; have TLS 1.2 or 1.3 turned on",
        "它只支持低于 1.2 的 TLS 版本；请让接口方启用 TLS 1.2 或 1.3",
    ),
    "tls-none": (
        "file",
        "what listens at {address} does not speak TLS; correct url: another port, or http:// for a test system",
        "{address} 上的服务不支持 TLS；请改正 url：更换端口，或对测试环境使用 http://",
    ),
    "tls-silent": (
        "endpoint",
        "it takes the connection, but no TLS within {timeout:g} s; check the endpoint, correct url or raise timeout",
        "连接已建立，但 {timeout:g} 秒内没有完成 TLS 握手；请检查接口、改正 url 或调大 timeout",
    ),
    "tls-cut": (
        "network",
        "the connection is cut before TLS is agreed; see whether a firewall does it, or correct url",
        "TLS 握手时连接被切断；请检查是否被防火墙切断，或改正 url",
    ),
    "tls": (
        "file",
        "no TLS connection comes about; give the authority of its certificate in cacert or correct url",
        "无法建立 TLS 连接；请在 cacert 中给出其证书机构，或改正 url",
    ),
    "proxy-host": ("file", "its host is unknown; correct proxy", "其主机名无法解析；请改正 proxy"),
    "proxy-refused": (
        "network",
        "no connection to it; start it or correct proxy",
        "无法连接该代理；请启动代理或改正 proxy",
    ),
    "proxy-login": (
        "network",
        "it wants a login that it knows (status 407); correct proxy: http://USER:PASSWORD@HOST:PORT",
        "它要求有效的用户名和密码（状态码 407）；请改正 proxy：http://USER:PASSWORD@HOST:PORT",
    ),
    "proxy-status": (
        "network",
        "it does not open the way to {address} (status {detail}); have that allowed there, or correct proxy",
        "它拒绝转发到 {address}（状态码 {detail}）；请让代理方放行，或改正 proxy",
    ),
    "proxy-silent": (
        "network",
        "it gives no answer to CONNECT; check that it is a proxy, and correct proxy",
        "它没有应答 CONNECT；请确认它是代理，并改正 proxy",
    ),
    "proxy-page": (
        "network",
        "what it answers to CONNECT is no HTTP; check that it is a proxy, and correct proxy",
        "它对 CONNECT 的应答不是 HTTP；请确认它是代理，并改正 proxy",
    ),
    "proxy-tls": (
        "network",
        "it agrees to CONNECT, but no TLS comes through; check that it may reach {address}, or correct proxy",
        "它接受了 CONNECT，但无法完成 TLS；请确认它能访问 {address}，或改正 proxy",
    ),
    "timeout": (
        "endpoint",
        "no reply within {timeout:g} s; check the endpoint, or raise timeout",
        "{timeout:g} 秒内没有应答；请检查接口，或调大 timeout",
    ),
    "protocol": (
        "endpoint",
        "what it answers is no HTTP; check that url is the endpoint",
        "返回的不是 HTTP；请检查 url 是否为该接口",
    ),
    "truncated": (
        "endpoint",
        "the connection was closed in the middle of the reply; check that url is the endpoint",
        "应答未完连接就被关闭；请检查 url 是否为该接口",
    ),
    "closed": (
        "endpoint",
        "the connection was closed before a reply; check that url is the endpoint",
        "连接被关闭，没有应答；请检查 url 是否为该接口",
    ),
}


def no_reply(target: Target, failure: str, now: float) -> Trouble:
    """What to say of a request that got no reply. `failure` as wire tells it, `now` the local clock."""
    kind, detail = _kind(target, failure)
    side, en, zh = _WORDS[kind]
    parts = urlsplit(target.url)
    host = parts.hostname or ""
    facts = {
        "host": host,
        "address": f"{host}:{parts.port or (443 if parts.scheme == 'https' else 80)}",
        "detail": detail,
        "timeout": target.timeout,
        "now": formatdate(now, usegmt=True),
    }
    what = f"url {without_password(target.url)}"
    if kind.startswith("proxy"):
        what = f"proxy {without_password(target.proxy or '')}"
    elif kind == "cacert":
        what = f"cacert {target.cacert}"
    return Trouble(side, what, en.format_map(facts), zh.format_map(facts))


def _kind(target: Target, failure: str) -> tuple[str, str]:
    fitting = ((kind, match) for pattern, kind in _KINDS if (match := re.match(pattern, failure)))
    kind, match = next(fitting, ("closed", None))
    is_of_a_region = urlsplit(target.url).hostname in REGIONS.values()
    if kind == "tls-authority" and target.cacert:
        kind = "tls-other-authority"
    elif kind == "tls-authority" and is_of_a_region:
        kind = "tls-replaced"
    elif kind == "host" and is_of_a_region:
        kind = "host-of-a-region"
    elif kind in ("tls-none", "tls-cut") and target.proxy:
        kind = "proxy-tls"
    return kind, match.group(1) if match and match.lastindex else ""
