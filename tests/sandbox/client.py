"""A small SQL API caller of the tests' own, so that the sandbox is not judged by the library it judges."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import time
import uuid
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from skipass.sandbox.testing import RunningSandbox


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def load_key(path: Path) -> RSAPrivateKey:
    key = load_pem_private_key(path.read_bytes(), None)
    assert isinstance(key, RSAPrivateKey)
    return key


def public_der(key: RSAPrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def sign(key: RSAPrivateKey, account: str, login: str, **changes: Any) -> str:
    """Return a key-pair token; `changes` replace claims (None drops one), `alg` the algorithm in the header."""
    fingerprint = "SHA256:" + base64.b64encode(hashlib.sha256(public_der(key)).digest()).decode()
    subject, now = f"{account}.{login}", int(time.time())
    claims = {"iss": f"{subject}.{fingerprint}", "sub": subject, "iat": now, "exp": now + 3000}
    header = {"alg": changes.pop("alg", "RS256"), "typ": "JWT"}
    claims = {name: value for name, value in (claims | changes).items() if value is not None}
    text = f"{_b64(json.dumps(header).encode())}.{_b64(json.dumps(claims).encode())}"
    return f"{text}.{_b64(key.sign(text.encode(), PKCS1v15(), SHA256()))}"


@dataclass(frozen=True)
class Reply:
    status: int
    body: Any
    headers: dict[str, str]

    @property
    def code(self) -> str:
        return str(self.body["code"])

    @property
    def rows(self) -> list[list[str | None]]:
        assert self.status == 200, self.body
        found: list[list[str | None]] = self.body["data"]
        return found

    @property
    def names(self) -> list[str]:
        return [column["name"] for column in self.body["resultSetMetaData"]["rowType"]]


@dataclass(frozen=True)
class Client:
    """Calls one account as one user."""

    host: str
    token: str
    virtual_host: str | None = None
    kind: str | None = "KEYPAIR_JWT"

    @classmethod
    def of(cls, sandbox: RunningSandbox, user: str) -> Client:
        file = sandbox.user(user)
        return cls(sandbox.host, sign(load_key(file.private_key_path), sandbox.account.identifier, file.login_name))

    def call(self, method: str, path: str, body: Any = None) -> Reply:
        headers = {"Authorization": f"Bearer {self.token}", "Accept": "application/json", "User-Agent": "tests/1"}
        headers["Content-Type"] = "application/json"
        if self.kind is not None:
            headers["X-Snowflake-Authorization-Token-Type"] = self.kind
        if self.virtual_host is not None:
            headers["Host"] = self.virtual_host
        connection = HTTPConnection(self.host, timeout=30)
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            raw = answer.read()
        finally:
            connection.close()
        kind = answer.getheader("content-type", "")
        if answer.getheader("content-encoding") == "gzip":
            raw = gzip.decompress(raw)
        return Reply(answer.status, json.loads(raw) if "json" in kind and raw else raw, dict(answer.getheaders()))

    def sql(self, text: str, query: str = "", **body: Any) -> Reply:
        path = f"/api/v2/statements?requestId={uuid.uuid4()}{query}"
        return self.call("POST", path, {"statement": text, **body})

    def submit(self, text: str, **body: Any) -> str:
        reply = self.sql(text, "&async=true", **body)
        assert reply.status == 202, reply.body
        return str(reply.body["statementHandle"])

    def status(self, handle: str) -> Reply:
        return self.call("GET", f"/api/v2/statements/{handle}")

    def cancel(self, handle: str) -> Reply:
        return self.call("POST", f"/api/v2/statements/{handle}/cancel", {})

    def finished(self, handle: str) -> Reply:
        """Poll until the statement has ended."""
        while (reply := self.status(handle)).status == 202:
            time.sleep(0.005)
        return reply
