"""The public keys of an outside issuer: named in the integration, or fetched from its keys address.

Only addresses on this machine are fetched: the sandbox must not be a way to reach others. An issuer elsewhere is
trusted by EXTERNAL_OAUTH_RSA_PUBLIC_KEY.
"""

from __future__ import annotations

import http.client
import json
import ssl
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from skipass.sandbox.oauth.model import Integration

LIFE = timedelta(minutes=5)
TIMEOUT_S = 5
MAX_BYTES = 100_000


class NoKey(Exception):
    """No key could be had that the token may be signed with."""


@dataclass(slots=True)
class KeyCache:
    """Fetched key sets by address; `trust` is the CA that answers for this machine's own TLS."""

    trust: ssl.SSLContext | None = None
    _sets: dict[str, tuple[datetime, dict[str, RSAKey]]] = field(default_factory=dict)

    def candidates(self, one: Integration, key_id: str, now: datetime) -> list[RSAKey]:
        """Return the keys that a token with this `kid` may be signed with, at least one, or raise NoKey."""
        found = [_pem(one.text(name)) for name in _NAMES if one.text(name)]
        for url in one.values("EXTERNAL_OAUTH_JWS_KEYS_URL"):
            known = self._known(url, key_id, now)
            found += [key for name, key in known.items() if key_id in ("", name)]
        if not found:
            raise NoKey
        return found

    def _known(self, url: str, key_id: str, now: datetime) -> dict[str, RSAKey]:
        """A key id that the kept set lacks is reason to fetch again: the issuer may have a new key."""
        at, known = self._sets.get(url, (None, {}))
        if at is None or now - at > LIFE or key_id not in known:
            try:
                known = self._fetch(url)
            except NoKey:
                return {}
            self._sets[url] = (now, known)
        return known

    def _fetch(self, url: str) -> dict[str, RSAKey]:
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
        if host not in ("127.0.0.1", "localhost", "::1") and not host.endswith(".localhost"):
            raise NoKey
        try:
            raw = self._get(parts.scheme, parts.port, parts.netloc, parts.path)
            return {str(one["kid"]): RSAKey.import_key(one) for one in json.loads(raw)["keys"] if one["kty"] == "RSA"}
        except (OSError, http.client.HTTPException, ValueError, LookupError, TypeError, JoseError, RecursionError):
            raise NoKey from None

    def _get(self, scheme: str, port: int | None, host: str, path: str) -> bytes:
        # Straight to loopback: `*.localhost` need not resolve on every system.
        if scheme == "https" and self.trust is not None:
            connection: Any = http.client.HTTPSConnection("127.0.0.1", port, timeout=TIMEOUT_S, context=self.trust)
        elif scheme == "http":
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
        else:
            raise NoKey
        try:
            connection.request("GET", path, headers={"Host": host, "Accept": "application/json"})
            answer = connection.getresponse()
            raw: bytes = answer.read(MAX_BYTES)
        finally:
            connection.close()
        if answer.status != 200:
            raise NoKey
        return raw


_NAMES = ("EXTERNAL_OAUTH_RSA_PUBLIC_KEY", "EXTERNAL_OAUTH_RSA_PUBLIC_KEY_2")


def _pem(body: str) -> RSAKey:
    return RSAKey.import_key(f"-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n")
