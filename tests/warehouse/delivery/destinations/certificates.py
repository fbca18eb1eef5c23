"""Certificates for tests: an authority, a server's for 127.0.0.1 and localhost, one for another name, and a
stranger's."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat


@dataclass(frozen=True)
class Certificates:
    """PEM files."""

    authority: Path
    server: Path
    server_key: Path
    other_name: Path
    other_name_key: Path
    stranger: Path
    stranger_key: Path


def make(folder: Path) -> Certificates:
    """All of them, in `folder`."""
    ours, theirs = _authority("Example authority"), _authority("Another authority")
    here = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    for name, (certificate, key) in {
        "server": _signed(ours, here, x509.DNSName("localhost")),
        "other": _signed(ours, x509.DNSName("other.example.com")),
        "stranger": _signed(theirs, here),
    }.items():
        (folder / f"{name}.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
        (folder / f"{name}.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (folder / "authority.pem").write_bytes(ours[0].public_bytes(Encoding.PEM))
    files = [folder / f"{name}.{end}" for name in ("server", "other", "stranger") for end in ("pem", "key")]
    return Certificates(folder / "authority.pem", *files)


Pair = tuple[x509.Certificate, ec.EllipticCurvePrivateKey]


def _authority(name: str) -> Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    built = (
        _begun(subject, subject, key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.KeyUsage(True, False, False, False, False, True, True, False, False),
            critical=True,
        )
    )
    return built.sign(key, SHA256()), key


def _signed(authority: Pair, *names: x509.GeneralName) -> Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "receiver")])
    built = (
        _begun(subject, authority[0].subject, key)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority[1].public_key()), critical=False
        )
    )
    return built.sign(authority[1], SHA256()), key


def _begun(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=2))
    )
