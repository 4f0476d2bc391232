"""A certificate for this machine's names, and the CA that signed it, whose own key is thrown away at once.

Whoever trusts the CA trusts one certificate: nothing else can ever be signed with it, and it is constrained to these
names besides. Source: RFC 5280 sections 4.2.1.9 and 4.2.1.10.
"""

from __future__ import annotations

import ipaddress
import os
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LIFE = timedelta(days=90)
_LOOPBACK = ("127.0.0.1/32", "::1/128")


@dataclass(frozen=True, slots=True)
class Files:
    """Where the PEM files are: the CA for clients, chain and key for the server."""

    ca: Path
    chain: Path
    key: Path

    def client_context(self) -> ssl.SSLContext:
        """Return what a client needs to trust this server and no other."""
        return ssl.create_default_context(cafile=str(self.ca))


def prepared(folder: Path, names: Sequence[str], now: datetime) -> Files:
    """Return files that hold for these DNS names and loopback, made new unless the kept ones still do for a day."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    files = Files(folder / "ca.pem", folder / "chain.pem", folder / "key.pem")
    wanted = sorted({"localhost", *names})
    if not _holds(files, wanted, now):
        _make(files, wanted, now)
    return files


def _holds(files: Files, names: list[str], now: datetime) -> bool:
    if not all(path.exists() for path in (files.ca, files.chain, files.key)):
        return False
    found = x509.load_pem_x509_certificate(files.chain.read_bytes())
    alternative = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    same = sorted(alternative.get_values_for_type(x509.DNSName)) == names
    return same and found.not_valid_after_utc > now + timedelta(days=1)


def _make(files: Files, names: list[str], now: datetime) -> None:
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "skipass sandbox CA")])
    ca = _authority(ca_name, ca_key, names, now)
    chain = _server(ca, ca_key, key, names, now)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for path, body, mode in (
        (files.key, private, 0o600),
        (files.chain, chain.public_bytes(Encoding.PEM), 0o644),
        (files.ca, ca.public_bytes(Encoding.PEM), 0o644),
    ):
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(body)


def _authority(name: x509.Name, key: ec.EllipticCurvePrivateKey, names: list[str], now: datetime) -> x509.Certificate:
    loopback = [x509.IPAddress(ipaddress.ip_network(one)) for one in _LOOPBACK]
    permitted = [*map(x509.DNSName, names), *loopback]
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    return (
        _builder(name, name, key, now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.NameConstraints(permitted, None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, SHA256())
    )


def _server(
    ca: x509.Certificate,
    ca_key: ec.EllipticCurvePrivateKey,
    key: ec.EllipticCurvePrivateKey,
    names: list[str],
    now: datetime,
) -> x509.Certificate:
    addresses = [x509.IPAddress(ipaddress.ip_network(one).network_address) for one in _LOOPBACK]
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "skipass sandbox")])
    return (
        _builder(subject, ca.subject, key, now)
        .add_extension(x509.SubjectAlternativeName([*map(x509.DNSName, names), *addresses]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
        .sign(ca_key, SHA256())
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + LIFE)
    )
