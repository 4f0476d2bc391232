"""Credentials: keys, key-pair tokens, token sources."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from joserfc import jwt
from joserfc.jwk import RSAKey

from skipass.secret import Secret
from skipass.snowflake import (
    AsyncSnowflakeClient,
    KeyPairTokens,
    SnowflakeConfigError,
    Token,
    TokenType,
    generate_key_pair,
    load_private_key,
    oauth_token,
    parse_account,
    programmatic_access_token,
    read_private_key,
)
from skipass.snowflake.auth.keypair import claims
from skipass.snowflake.auth.keys import fingerprint, public_der
from skipass.snowflake.connect import login, login_from_env
from snowflake import golden

pytestmark = pytest.mark.anyio

CASES = golden.cases("keypair-jwt")
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM, DER = serialization.Encoding.PEM, serialization.Encoding.DER
PKCS8, PKCS1 = serialization.PrivateFormat.PKCS8, serialization.PrivateFormat.TraditionalOpenSSL
PLAIN = serialization.NoEncryption()
LOCKED = serialization.BestAvailableEncryption(b"open sesame")


class SteppedClock:
    """A clock that moves only when told."""

    def __init__(self) -> None:
        self.passed = timedelta()

    def now(self) -> datetime:
        """Return the moved time."""
        return datetime(2026, 1, 1, tzinfo=UTC) + self.passed

    def monotonic(self) -> float:
        """Return the moved seconds."""
        return 1000.0 + self.passed.total_seconds()


def test_golden_fingerprint() -> None:
    """The fingerprint of the golden public key is the golden one."""
    case = CASES["jwt-fingerprint"]
    assert fingerprint(base64.b64decode(case["input"]["public_key_der_base64"])) == case["output"]["fingerprint"]


@pytest.mark.parametrize("name", [name for name in CASES if name.startswith("jwt-claims")])
def test_golden_claims(name: str) -> None:
    """The claims for each golden login are the golden ones."""
    given, output = CASES[name]["input"], CASES[name]["output"]
    login = given.get("login_name") or given["user"]["login_name"]
    made = claims(parse_account(given["account_identifier"]).claim_account, login, given["fingerprint"], given["now"])
    assert not golden.differences(output["claims"], made, {})


@pytest.mark.parametrize(
    ("encoding", "shape", "protection", "passphrase"),
    [
        (PEM, PKCS8, PLAIN, None),
        (PEM, PKCS8, LOCKED, "open sesame"),
        (PEM, PKCS1, PLAIN, None),
        (DER, PKCS8, PLAIN, None),
        (DER, PKCS8, LOCKED, Secret("open sesame")),
        (DER, PKCS1, PLAIN, ""),
    ],
)
def test_key_formats(encoding: Any, shape: Any, protection: Any, passphrase: Any, tmp_path: Path) -> None:
    """PKCS#8 and PKCS#1, PEM and DER, encrypted or not, from bytes and from a file, give the same key."""
    content = KEY.private_bytes(encoding, shape, protection)
    path = tmp_path / "rsa_key"
    path.write_bytes(content)
    for loaded in (load_private_key(content, passphrase), read_private_key(path, passphrase)):
        assert public_der(loaded) == public_der(KEY)


@pytest.mark.parametrize(
    ("content", "passphrase", "says"),
    [
        (KEY.private_bytes(PEM, PKCS8, LOCKED), None, "no passphrase was given"),
        (KEY.private_bytes(PEM, PKCS8, LOCKED), "wrong", "cannot be decrypted"),
        (KEY.private_bytes(PEM, PKCS8, PLAIN), "needless", "takes no passphrase"),
        (b"-----BEGIN NOTHING-----", None, "cannot be read"),
        (b"\x30\x00garbage", None, "cannot be read"),
        (b"", None, "cannot be read"),
        (ec.generate_private_key(ec.SECP256R1()).private_bytes(PEM, PKCS8, PLAIN), None, "not an RSA key"),
        (rsa.generate_private_key(public_exponent=65537, key_size=1024).private_bytes(PEM, PKCS8, PLAIN), None, "2048"),
    ],
)
def test_keys_that_do_not_work(content: bytes, passphrase: str | None, says: str) -> None:
    """A missing, wrong or needless passphrase and every other key is a configuration error that shows no key."""
    with pytest.raises(SnowflakeConfigError, match=says) as raised:
        load_private_key(content, passphrase)
    assert raised.value.__cause__ is None
    assert "wrong" not in str(raised.value)
    assert "PRIVATE" not in str(raised.value)


def test_missing_key_file(tmp_path: Path) -> None:
    """A key file that is not there is named."""
    with pytest.raises(SnowflakeConfigError, match="no-such-key"):
        read_private_key(tmp_path / "no-such-key")


@pytest.mark.parametrize("passphrase", [None, "tr0ub4dor"])
def test_new_key_pair(passphrase: str | None) -> None:
    """A new key pair loads again, matches its fingerprint, and does not show itself."""
    pair = generate_key_pair(passphrase)
    key = load_private_key(pair.private_pem.reveal(), passphrase)
    assert base64.b64decode(pair.public_key) == public_der(key)
    assert pair.fingerprint == fingerprint(public_der(key))
    assert (b"ENCRYPTED" in pair.private_pem.reveal()) is (passphrase is not None)
    assert "BEGIN" not in repr(pair)


async def test_signed_token_verifies() -> None:
    """An independent JOSE library verifies the token with the public key and reads the documented claims."""
    clock = SteppedClock()
    source = KeyPairTokens("MYORG-ACC", "jdoe", KEY, clock=clock)
    token = await source.token()
    public = RSAKey.import_key(KEY.public_key().public_bytes(PEM, serialization.PublicFormat.SubjectPublicKeyInfo))
    decoded = jwt.decode(token.value.reveal(), public, algorithms=["RS256"])
    issued = int(clock.now().timestamp())
    assert token.type is TokenType.KEYPAIR_JWT
    assert decoded.header["alg"] == "RS256"
    assert decoded.claims["iss"] == f"MYORG-ACC.JDOE.{source.fingerprint}"
    assert decoded.claims["sub"] == "MYORG-ACC.JDOE"
    assert decoded.claims["iat"] == issued
    assert issued < decoded.claims["exp"] <= issued + 3600


async def test_token_is_reused_for_under_a_minute() -> None:
    """A token is used again up to 49 seconds and never at 50."""
    clock = SteppedClock()
    source = KeyPairTokens("A", "u", KEY, clock=clock)
    first = await source.token()
    clock.passed = timedelta(seconds=49)
    assert await source.token() is first
    clock.passed = timedelta(seconds=50)
    assert (await source.token()).value.reveal() != first.value.reveal()


async def test_refused_token_is_signed_afresh_at_once() -> None:
    """After a refusal the next token is another text, within the same second too; a late refusal changes nothing."""
    source = KeyPairTokens("A", "u", KEY, clock=SteppedClock())
    first = await source.token()
    assert await source.rejected(first)
    second = await source.token()
    assert second.value.reveal() != first.value.reveal()
    await source.rejected(first)
    assert await source.token() is second


async def test_static_tokens_have_no_other() -> None:
    """An access token given by the caller is used as it is, and there is no second one."""
    for source, kind in (
        (oauth_token("abc"), TokenType.OAUTH),
        (programmatic_access_token(Secret("abc")), TokenType.PROGRAMMATIC_ACCESS_TOKEN),
    ):
        token = await source.token()
        assert (token.value.reveal(), token.type) == ("abc", kind)
        assert not await source.rejected(token)
        assert "abc" not in repr(source)


@pytest.mark.parametrize("text", ["", "two words", "line\r\nX-Evil: 1", "schl\u00fcssel"])
def test_texts_that_are_no_token(text: str) -> None:
    """A text that could break a header is refused without being shown."""
    with pytest.raises(SnowflakeConfigError) as raised:
        Token(Secret(text), TokenType.OAUTH)
    assert not text or text not in str(raised.value)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"account": "myorg-acc"}, "No credential"),
        ({"account": "myorg-acc", "token": "a", "programmatic_access_token": "b"}, "Several credentials"),
        ({"host": "gateway.example.com", "private_key": b"x"}, "account and the user"),
        ({"account": "myorg-acc", "user": "u", "private_key": b"x"}, "private key"),
        ({"token": "a"}, "Neither an account nor a host"),
    ],
)
def test_options_that_cannot_work(options: dict[str, Any], says: str) -> None:
    """Missing, doubled or broken options are refused when the client is made, before any request."""
    with pytest.raises(SnowflakeConfigError, match=says):
        AsyncSnowflakeClient(**options)


def test_client_of_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`from_env` reads account, user, key path and passphrase, and refuses an environment without a credential."""
    path = tmp_path / "key.p8"
    path.write_bytes(KEY.private_bytes(PEM, PKCS8, LOCKED))
    for name in ("ACCOUNT", "USER", "HOST", "TOKEN", "PRIVATE_KEY_PATH", "PRIVATE_KEY_FILE", "PRIVATE_KEY_RAW"):
        monkeypatch.delenv(f"SNOWFLAKE_{name}", raising=False)
    with pytest.raises(SnowflakeConfigError, match="No credential"):
        AsyncSnowflakeClient.from_env()
    monkeypatch.setenv("SNOWFLAKE_ACCOUNT", "myorg-acc")
    monkeypatch.setenv("SNOWFLAKE_USER", "jdoe")
    monkeypatch.setenv("SNOWFLAKE_PRIVATE_KEY_PATH", str(path))
    monkeypatch.setenv("SNOWFLAKE_PRIVATE_KEY_PASSPHRASE", "open sesame")
    assert "JDOE" in repr(login(login_from_env()).tokens).upper()
    assert AsyncSnowflakeClient.from_env() is not None
