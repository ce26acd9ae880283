"""TLS only with a certificate that is vouched for, and proxies as the target file names them."""

import base64
import ssl
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from tiny_servers import PATH, Authority, answer, make_authority, read_request, request, reset, saying, serving

from biztoken.client import Client, Request
from biztoken.errors import HarnessError
from biztoken.evidence import Evidence
from biztoken.model import Reply
from biztoken.settings import Target
from biztoken.signing import Key, Secret
from biztoken.wire import Connection, Endpoint

BEHIND = f"https://127.0.0.1:1{PATH}"  # nothing listens there: only a proxy that plays the target answers
OK = saying(answer(200, b"ok"))


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Vouches for 127.0.0.1."""
    return make_authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def other_authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Vouches for another address."""
    return make_authority(tmp_path_factory.mktemp("other"), address="127.0.0.9")


def exchange(url: str, data: bytes, **options) -> Reply:
    """The reply of an endpoint."""
    with closing(Connection(Endpoint(url, **{"timeout": 5.0, **options}))) as connection:
        return connection.exchange("POST", data)


def reason(url: str, **options) -> str:
    """Why no connection comes about."""
    with pytest.raises(HarnessError) as caught:
        Connection(Endpoint(url, **{"timeout": 5.0, **options}))
    return f"{caught.value.reason}: {caught.value}"


def test_known_authority_is_accepted(authority):
    """A private CA is trusted where the target file names it."""
    with serving(OK, authority.context) as server:
        assert exchange(server.url, request(), cacert=authority.ca).body == b"ok"


def test_unknown_authority_is_refused(authority):
    """A certificate that nobody vouches for is refused, in words."""
    with serving(OK, authority.context) as server:
        assert reason(server.url).startswith("tls: the certificate is not trusted")


def test_another_authority_is_refused(authority, other_authority):
    """The CA that is named must be the one that signed."""
    with serving(OK, authority.context) as server:
        assert reason(server.url, cacert=other_authority.ca).startswith("tls: the certificate is not trusted")


def test_certificate_of_another_host_is_refused(other_authority):
    """A certificate for another address is refused, though its CA is trusted."""
    with serving(OK, other_authority.context) as server:
        assert reason(server.url, cacert=other_authority.ca).startswith("tls: the certificate is not trusted")


def test_server_without_tls_is_told(authority):
    """An http server behind an https URL is no broken certificate."""

    def handle(connection, _number):
        connection.recv(65_536)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with serving(handle) as server:
        url = server.url.replace("http:", "https:")

        assert reason(url, cacert=authority.ca).startswith("tls: no TLS connection")


def test_file_that_is_no_certificate_is_told(authority, tmp_path):
    """A cacert without a certificate in it is told, and not taken for all or none."""
    empty = tmp_path / "ca.pem"
    empty.write_text("no certificate")

    with serving(OK, authority.context) as server:
        assert reason(server.url, cacert=empty).startswith("tls: ")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_early_reply_is_read_over_tls(tmp_path, version):
    """A reply that comes while the client is still sending is read through TLS as well."""
    authority = make_authority(tmp_path)
    authority.context.minimum_version = authority.context.maximum_version = version

    def handle(connection, _number):
        connection.recv(1024)
        connection.sendall(answer(413, b"Request Entity Too Large", "Connection: close"))
        while connection.recv(65_536):
            pass

    with serving(handle, authority.context) as server:
        assert exchange(server.url, request(3_000_000), cacert=authority.ca).status == 413


def test_long_reply_is_read_over_tls(authority):
    """A reply of many records is read whole, those included that TLS has decrypted before they are asked for."""
    with serving(saying(answer(200, b"x" * 300_000)), authority.context) as server:
        assert len(exchange(server.url, request(), cacert=authority.ca).body) == 300_000


def proxy(heads: list[bytes], say: bytes, authority: Authority | None = None):
    """A handler that reads the head of CONNECT, says something, and is the endpoint behind itself."""

    def handle(connection, _number):
        heads.append(read_request(connection))
        connection.sendall(say)
        if authority is not None:
            with authority.context.wrap_socket(connection, server_side=True) as secured:
                OK(secured, 1)

    return handle


def test_tunnel_through_a_proxy(authority):
    """An https target is reached by CONNECT, with TLS to the target and not to the proxy."""
    heads: list[bytes] = []
    established = b"HTTP/1.1 200 Connection established\r\n\r\n"

    with serving(proxy(heads, established, authority)) as server:
        address = f"http://127.0.0.1:{server.port}"
        reply = exchange(BEHIND, request(), cacert=authority.ca, proxy=address)

    assert reply.body == b"ok"
    assert heads == [b"CONNECT 127.0.0.1:1 HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n"]


LOGIN = b"Proxy-Authorization: Basic " + base64.b64encode(b"user:p@ss word")


def test_tunnel_logs_in(authority):
    """User and password of the proxy's URL are unquoted and sent to the proxy."""
    heads: list[bytes] = []

    with serving(proxy(heads, b"HTTP/1.1 200 OK\r\n\r\n", authority)) as server:
        address = f"http://user:p%40ss%20word@127.0.0.1:{server.port}"
        exchange(BEHIND, request(), cacert=authority.ca, proxy=address)

    assert LOGIN in heads[0].split(b"\r\n")


REFUSALS = {
    "a login is wanted": b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n",
    "the target is not reached": b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n",
    "it is no proxy": b"<html>\r\n\r\n",
    "it closes": b"",
    "it closes in the head": b"HTTP/1.1 200",
}


@pytest.mark.parametrize("say", REFUSALS.values(), ids=REFUSALS)
def test_proxy_that_refuses_is_told(say):
    """What a proxy does wrong is told as the proxy's, not as the target's."""
    with serving(proxy([], say)) as server:
        told = reason(BEHIND, proxy=f"http://127.0.0.1:{server.port}")

    assert told.startswith("proxy: the proxy 127.0.0.1 ")


def silent(connection, _number):
    """Read and never answer, until the client closes."""
    while connection.recv(1024):
        pass


def resetting(connection, _number):
    """Read and reset."""
    read_request(connection)
    reset(connection)


@pytest.mark.parametrize("handler", [silent, resetting])
def test_proxy_that_does_not_answer_is_told(handler):
    """A proxy that falls silent or resets is told as well, and no exception of the socket's gets out."""
    with serving(handler) as server:
        address = f"http://127.0.0.1:{server.port}"

        assert reason(BEHIND, proxy=address, timeout=0.2).split(":")[0] in ("proxy", "timeout")


@contextmanager
def client_behind(address: str, directory: Path, url: str = f"http://faceid.example{PATH}?a=b"):
    """A client whose target is reached through a proxy."""
    evidence = Evidence(directory, [])
    target = Target("tiny", url, {"active": Key("key", Secret("secret"))}, timeout=5.0, proxy=address)
    client = Client(target, evidence)
    try:
        yield client
    finally:
        client.close()
        evidence.close()


def sent_through(directory: Path, login: str = "") -> list[bytes]:
    """The lines of the head that a proxy gets for an http target."""
    heads: list[bytes] = []

    def handle(connection, _number):
        heads.append(read_request(connection).partition(b"\r\n\r\n")[0])
        connection.sendall(answer(200, b"{}"))

    with serving(handle) as server, client_behind(f"http://{login}127.0.0.1:{server.port}", directory) as client:
        assert client.send(Request((("uuid", "u"),)), case="case", role="probe").reply.status == 200
    return heads[0].split(b"\r\n")


def test_http_target_is_asked_for_in_absolute_form(tmp_path):
    """To a proxy the request names the whole URL, and the Host header the target."""
    lines = sent_through(tmp_path)

    assert lines[0] == f"POST http://faceid.example{PATH}?a=b HTTP/1.1".encode()
    assert b"Host: faceid.example" in lines


def test_http_target_behind_a_proxy_with_a_login(tmp_path):
    """The login of the proxy's URL goes with each request for an http target."""
    assert LOGIN in sent_through(tmp_path, "user:p%40ss%20word@")
