"""Key-pair sign-in: short tokens signed with the user's private key.

The claims are a pure function of account, login, fingerprint and time. A token is used for at most 50 seconds, because
some of Snowflake's doors refuse one that is older than a minute.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import orjson

from skipass.clock import Clock, SystemClock
from skipass.secret import Secret
from skipass.snowflake.auth import keys
from skipass.snowflake.auth.tokens import Token, TokenType
from skipass.snowflake.errors import SnowflakeConfigError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

LIFETIME_S = 600
REUSE_S = 50


def claims(
    claim_account: str, login_name: str, fingerprint: str, now_s: int, lifetime_s: int = LIFETIME_S
) -> dict[str, object]:
    """Return the claims of a key-pair token; account and login name are upper-cased, times are Unix seconds.

    Source: https://docs.snowflake.com/en/developer-guide/sql-api/authenticating
    """
    subject = f"{claim_account}.{login_name}".upper()
    return {"iss": f"{subject}.{fingerprint}", "sub": subject, "iat": now_s, "exp": now_s + lifetime_s}


def sign(body: dict[str, object], key: RSAPrivateKey, kid: str | None = None) -> str:
    """Return the compact JWS, RS256, of these claims; `kid` names the key to whoever verifies.

    Source: RFC 7515 §3.1, §4.1.4, RFC 7518 §3.3
    """
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

    header = {"alg": "RS256", "typ": "JWT"} | ({"kid": kid} if kid else {})
    signed = f"{_segment(orjson.dumps(header))}.{_segment(orjson.dumps(body))}"
    return f"{signed}.{_segment(key.sign(signed.encode(), PKCS1v15(), hashes.SHA256()))}"


def _segment(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class KeyPairTokens:
    """A token source for one login and its private key; holds the key in memory only."""

    def __init__(self, claim_account: str, login_name: str, key: RSAPrivateKey, *, clock: Clock | None = None) -> None:
        if not login_name.strip():
            raise SnowflakeConfigError("Key-pair sign-in needs a user.", hint="Use the user's LOGIN_NAME.")
        self._account = claim_account
        self._login = login_name.strip()
        self._key = key
        self._clock = clock or SystemClock()
        self._cached: Token | None = None
        self._signed_at = 0.0
        self._refusals = 0
        self.fingerprint = keys.fingerprint(keys.public_der(key))

    def __repr__(self) -> str:
        return f"KeyPairTokens({self._account}.{self._login}, {self.fingerprint})"

    async def token(self) -> Token:
        """Return a token signed less than 50 seconds ago."""
        now = self._clock.monotonic()
        if self._cached is None or now - self._signed_at >= REUSE_S:
            self._cached, self._signed_at = self._sign(), now
        return self._cached

    async def rejected(self, token: Token) -> bool:
        """Forget the token, so that the next one is signed afresh; return True."""
        if self._cached == token:
            self._cached = None
            self._refusals += 1
        return True

    def _sign(self) -> Token:
        # A token signed twice within one second would be the same text, and the first was refused: a refusal shortens
        # the next one's life by a second, which tells them apart.
        lifetime_s = LIFETIME_S - self._refusals % 60
        body = claims(self._account, self._login, self.fingerprint, int(self._clock.now().timestamp()), lifetime_s)
        return Token(Secret(sign(body, self._key)), TokenType.KEYPAIR_JWT)
