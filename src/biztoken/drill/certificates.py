"""Certificates for the drills over HTTPS: an authority that the client is told of, and one that nobody knows."""

from __future__ import annotations

import datetime
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_DAY = datetime.timedelta(days=1)
_ADDRESS = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Certificate:
    """Files in PEM: the `authority`, and a server's certificate that it signed with its key."""

    authority: Path
    server: Path


def make_certificate(directory: Path, name: str, now: datetime.datetime) -> Certificate:
    """A new authority and a certificate for this machine's own address, in files of that name. Good for a day."""
    key, authority_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer = _named(f"biztoken drill, {name} authority")
    server = (
        _begun(_named(_ADDRESS), issuer, key, now)
        .add_extension(_alternatives(), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    authority = (
        _begun(issuer, issuer, authority_key, now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    made = Certificate(directory / f"{name}-authority.pem", directory / f"{name}-server.pem")
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    made.authority.write_bytes(authority.public_bytes(pem))
    made.server.write_bytes(private + server.public_bytes(pem))
    return made


def _begun(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime.datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _DAY)
        .not_valid_after(now + _DAY)
    )


def _alternatives() -> x509.SubjectAlternativeName:
    return x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(_ADDRESS)), x509.DNSName("localhost")])


def _named(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])
