"""ID tokens: one that is right is read, and every hostile one is refused."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from skipass.errors import SkipassError
from skipass.identity.id_token import MOST_KEYS, Expected, kid_of, read_keys, verified

NOW = 1_790_000_000
ISSUER, CLIENT, NONCE = "https://idp.example.com/tenant", "skipass", "n-0S6_WzA2Mj"
EXPECTED = Expected(ISSUER, CLIENT, NONCE, NOW)
FRESH = Expected(ISSUER, CLIENT, NONCE, NOW, 300)
RSA = RSAKey.generate_key(2048, {"kid": "rsa", "use": "sig", "alg": "RS256"}, private=True)
OTHER = RSAKey.generate_key(2048, {"kid": "rsa", "use": "sig", "alg": "RS256"}, private=True)
PSS = RSAKey.import_key({**RSA.as_dict(private=True), "kid": "pss", "alg": "PS256"})
EC = ECKey.generate_key("P-256", {"kid": "ec", "use": "sig", "alg": "ES256"}, private=True)
PUBLISHED = {"keys": [one.as_dict(private=False) for one in (RSA, PSS, EC)]}
KEYS = read_keys(PUBLISHED)
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "ES256", "HS256", "HS384", "EdDSA", "Ed25519", "none"]


def claims(**changes: Any) -> dict[str, Any]:
    """Return claims that are right but for the changes; None drops one."""
    right = {"iss": ISSUER, "sub": "00u1", "aud": CLIENT, "iat": NOW, "exp": NOW + 3600, "nonce": NONCE}
    return {name: value for name, value in {**right, "auth_time": NOW, **changes}.items() if value is not None}


def signed(payload: dict[str, Any] | bytes, key: Any = RSA, algorithm: str = "RS256", **header: Any) -> str:
    """Return a token that this key signed, whatever it says."""
    content = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    named = {name: value for name, value in {"alg": algorithm, "kid": key.kid, **header}.items() if value is not None}
    if set(named) <= {"alg", "kid", "typ", "jku", "jwk", "x5u", "x5c", "cty"} and algorithm in ALGORITHMS[:6]:
        registry = jws.JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
        return jws.serialize_compact(named, content, key, algorithms=ALGORITHMS, registry=registry)
    return raw(named, content, b"x" * 256)


def part(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def raw(header: dict[str, Any] | bytes, payload: bytes, signature: bytes) -> str:
    head = header if isinstance(header, bytes) else json.dumps(header).encode()
    return ".".join((part(head), part(payload), part(signature)))


def hmac_with(secret: bytes) -> str:
    """Return a token whose shared secret is a published public key: the classic confusion."""
    head, body = part(b'{"alg":"HS256","kid":"rsa"}'), part(json.dumps(claims()).encode())
    return f"{head}.{body}.{part(hmac.new(secret, f'{head}.{body}'.encode(), hashlib.sha256).digest())}"


def read(token: str, expected: Expected = EXPECTED) -> Any:
    """Read a token as the gateway does: its key by its own kid, from the published ones alone."""
    kid = kid_of(token)
    if kid not in KEYS:
        raise SkipassError("sign_in_failed")
    return verified(token, KEYS[kid], expected)


RIGHT: dict[str, Callable[[], str]] = {
    "RS256": lambda: signed(claims()),
    "PS256": lambda: signed(claims(), PSS, "PS256"),
    "ES256": lambda: signed(claims(), EC, "ES256"),
    "typ": lambda: signed(claims(), typ="JWT"),
    "a list of one audience": lambda: signed(claims(aud=[CLIENT], azp=CLIENT)),
    "a clock that is a little behind": lambda: signed(claims(iat=NOW + 30, exp=NOW + 60)),
    "a clock that is a little ahead": lambda: signed(claims(exp=NOW - 30)),
    "further claims": lambda: signed(claims(groups=["a"], email="dana@example.com", iat=NOW + 0.5)),
}


@pytest.mark.parametrize("make", RIGHT.values(), ids=RIGHT)
def test_a_right_token_is_read(make: Callable[[], str]) -> None:
    """Every accepted algorithm and form gives its claims."""
    assert read(make(), FRESH)["sub"] == "00u1"


def twice(name: str) -> bytes:
    """Return right claims with one of them a second time, which two readers could read in two ways."""
    return json.dumps(claims()).encode()[:-1] + f', "{name}": "x"}}'.encode()


HOSTILE: dict[str, Callable[[], str]] = {
    "empty": lambda: "",
    "no dots": lambda: "abc",
    "two parts": lambda: ".".join(signed(claims()).split(".")[:2]),
    "four parts": lambda: signed(claims()) + ".x",
    "encrypted": lambda: "a.b.c.d.e",
    "empty signature": lambda: ".".join([*signed(claims()).split(".")[:2], ""]),
    "alg none": lambda: raw({"alg": "none", "kid": "rsa"}, json.dumps(claims()).encode(), b"x"),
    "alg none, no signature": lambda: raw({"alg": "none"}, json.dumps(claims()).encode(), b""),
    "alg None": lambda: raw({"alg": "None", "kid": "rsa"}, json.dumps(claims()).encode(), b"x"),
    "alg missing": lambda: raw({"kid": "rsa"}, json.dumps(claims()).encode(), b"x"),
    "alg a list": lambda: raw({"alg": ["RS256"], "kid": "rsa"}, json.dumps(claims()).encode(), b"x"),
    "alg null": lambda: raw({"alg": None, "kid": "rsa"}, json.dumps(claims()).encode(), b"x"),
    "alg lower case": lambda: raw({"alg": "rs256", "kid": "rsa"}, json.dumps(claims()).encode(), b"x"),
    "HS256 with the public key in PEM": lambda: hmac_with(RSA.as_pem(private=False)),
    "HS256 with the public key in DER": lambda: hmac_with(RSA.as_der(private=False)),
    "HS256 with the published JSON": lambda: hmac_with(json.dumps(RSA.as_dict(private=False)).encode()),
    "HS256 with the modulus": lambda: hmac_with(str(RSA.as_dict(private=False)["n"]).encode()),
    "HS256 with nothing": lambda: hmac_with(b""),
    "HS256 with the client's secret": lambda: signed(claims(), OctKey.import_key("s" * 32, {"kid": "rsa"}), "HS256"),
    "RS384": lambda: raw({"alg": "RS384", "kid": "rsa"}, json.dumps(claims()).encode(), b"x" * 256),
    "EdDSA": lambda: raw({"alg": "EdDSA", "kid": "rsa"}, json.dumps(claims()).encode(), b"x" * 64),
    "another RSA algorithm than the key's": lambda: signed(
        claims(), RSAKey.import_key({**RSA.as_dict(private=True), "alg": "PS256"}), "PS256"
    ),
    "an EC token that names the RSA key": lambda: signed(claims(), EC, "ES256", kid="rsa"),
    "an RSA token that names the EC key": lambda: signed(claims(), RSA, "RS256", kid="ec"),
    "somebody else's key under our id": lambda: signed(claims(), OTHER),
    "a signature of other claims": lambda: ".".join(
        [
            *signed(claims()).split(".")[:1],
            part(json.dumps(claims(sub="admin")).encode()),
            signed(claims()).split(".")[2],
        ]
    ),
    "a signature cut short": lambda: signed(claims())[:-8],
    "a signature of zeros": lambda: ".".join([*signed(claims()).split(".")[:2], part(b"\0" * 256)]),
    "an ES256 signature of zeros": lambda: ".".join([*signed(claims(), EC, "ES256").split(".")[:2], part(b"\0" * 64)]),
    "kid missing": lambda: signed(claims(), kid=None),
    "kid empty": lambda: signed(claims(), kid=""),
    "kid unknown": lambda: signed(claims(), OTHER, kid="other"),
    "kid a path": lambda: signed(claims(), OTHER, kid="../../../dev/null"),
    "kid SQL": lambda: signed(claims(), OTHER, kid="rsa' OR '1'='1"),
    "kid a number": lambda: raw({"alg": "RS256", "kid": 1}, json.dumps(claims()).encode(), b"x"),
    "its own key": lambda: signed(claims(), OTHER, jwk=OTHER.as_dict(private=False)),
    "its own key's address": lambda: signed(claims(), jku="https://evil.example.com/keys"),
    "its own certificate's address": lambda: signed(claims(), x5u="https://evil.example.com/cert"),
    "its own certificate": lambda: signed(claims(), x5c=["MIIB"]),
    "crit": lambda: raw({"alg": "RS256", "kid": "rsa", "crit": ["exp"]}, json.dumps(claims()).encode(), b"x"),
    "b64 false": lambda: raw({"alg": "RS256", "kid": "rsa", "b64": False}, json.dumps(claims()).encode(), b"x"),
    "an access token": lambda: signed(claims(), typ="at+jwt"),
    "a logout token": lambda: signed(claims(), typ="logout+jwt"),
    "a header with two algorithms": lambda: raw(
        b'{"alg":"none","kid":"rsa","alg":"RS256"}', json.dumps(claims()).encode(), b"x"
    ),
    "a header that is a list": lambda: raw(b"[]", json.dumps(claims()).encode(), b"x"),
    "a header that is no JSON": lambda: raw(b"\xff\xfe", json.dumps(claims()).encode(), b"x"),
    "claims that are a list": lambda: signed(b"[]"),
    "claims that are no JSON": lambda: signed(b"no"),
    "claims nested a thousand deep": lambda: signed(b"[" * 3000 + b"]" * 3000),
    "claims with two subjects": lambda: signed(twice("sub")),
    "claims with two audiences": lambda: signed(twice("aud")),
    "20 kilobytes": lambda: signed(claims(filler="x" * 20_000)),
    "another issuer": lambda: signed(claims(iss="https://evil.example.com")),
    "another tenant of the issuer": lambda: signed(claims(iss=ISSUER + "2")),
    "the issuer with a slash": lambda: signed(claims(iss=ISSUER + "/")),
    "the issuer in a list": lambda: signed(claims(iss=[ISSUER])),
    "no issuer": lambda: signed(claims(iss=None)),
    "another audience": lambda: signed(claims(aud="other")),
    "ours among audiences": lambda: signed(claims(aud=[CLIENT, "other"], azp=CLIENT)),
    "no audience": lambda: signed(claims(aud=None)),
    "an empty list of audiences": lambda: signed(claims(aud=[])),
    "an audience that is an object": lambda: signed(claims(aud={CLIENT: 1})),
    "given to another client": lambda: signed(claims(azp="other")),
    "ended": lambda: signed(claims(exp=NOW - 3600)),
    "no end": lambda: signed(claims(exp=None)),
    "an end that is a text": lambda: signed(claims(exp=str(NOW + 60))),
    "an end that is true": lambda: signed(claims(exp=True)),
    "an end that is infinite": lambda: signed(json.dumps(claims()).replace(str(NOW + 3600), "Infinity").encode()),
    "an end that is no number": lambda: signed(json.dumps(claims()).replace(str(NOW + 3600), "NaN").encode()),
    "made in the future": lambda: signed(claims(iat=NOW + 3600)),
    "made yesterday": lambda: signed(claims(iat=NOW - 86_400)),
    "never made": lambda: signed(claims(iat=None)),
    "not good yet": lambda: signed(claims(nbf=NOW + 3600)),
    "another nonce": lambda: signed(claims(nonce="other")),
    "no nonce": lambda: signed(claims(nonce=None)),
    "a nonce that is a list": lambda: signed(claims(nonce=[NONCE])),
    "a nonce that is no text": lambda: signed(json.dumps(claims()).replace(NONCE, "\\ud800").encode()),
    "nobody": lambda: signed(claims(sub=None)),
    "an empty subject": lambda: signed(claims(sub="")),
    "a subject that is a number": lambda: signed(claims(sub=1)),
    "a subject with a line break": lambda: signed(claims(sub="a\nb")),
    "a subject of 300 characters": lambda: signed(claims(sub="x" * 300)),
}


@pytest.mark.parametrize("make", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_token_is_refused(make: Callable[[], str]) -> None:
    """None of them gives claims; each is refused with the one code and without a word of the token."""
    token = make()
    with pytest.raises(SkipassError) as refused:
        read(token)
    assert refused.value.code == "sign_in_failed"
    assert len(token) < 40 or token[:40] not in f"{refused.value.message}{refused.value.hint}"


def test_there_are_enough_hostile_tokens() -> None:
    """The list holds at least forty, and none of them twice."""
    tokens = [make() for make in HOSTILE.values()]
    assert len(set(tokens)) == len(tokens) >= 40


@pytest.mark.parametrize("auth_time", [None, NOW - 301, NOW + 3600, "now", True], ids=str)
def test_a_fresh_sign_in_is_proved(auth_time: Any) -> None:
    """Where the person had to be asked again, a token that does not say so is refused, and is fine otherwise."""
    token = signed(claims(auth_time=auth_time))
    assert read(token)
    with pytest.raises(SkipassError):
        read(token, FRESH)


@given(st.binary(max_size=300), st.binary(max_size=300), st.binary(max_size=300))
def test_whatever_comes_is_refused(head: bytes, body: bytes, signature: bytes) -> None:
    """Random parts never pass, and never fail in another way than a refusal."""
    with pytest.raises(SkipassError):
        read(raw(head, body, signature))


@given(st.data())
def test_one_changed_character_is_refused(data: st.DataObject) -> None:
    """A right token with any one character of its first two parts exchanged is refused."""
    token = RIGHT_TOKEN
    at = data.draw(st.integers(0, token.rindex(".") - 1))
    other = data.draw(st.sampled_from("abcXYZ019-_.").filter(lambda letter: letter != token[at]))
    with pytest.raises(SkipassError):
        read(token[:at] + other + token[at + 1 :])


RIGHT_TOKEN = signed(claims())


def test_keys_that_do_not_fit_are_left_out() -> None:
    """Short, symmetric, encrypting, foreign and doubled keys verify nothing; the others do."""
    short = {**RSA.as_dict(private=False), "n": part(b"\xff" * 128), "kid": "short"}
    listed = [
        RSA.as_dict(private=False),
        short,
        {**OctKey.generate_key(256).as_dict(), "kid": "shared"},
        {**OKPKey.generate_key("Ed25519").as_dict(private=False), "kid": "edwards"},
        {**ECKey.generate_key("P-384").as_dict(private=False), "kid": "p384"},
        {**RSA.as_dict(private=False), "kid": "enc", "use": "enc"},
        {**RSA.as_dict(private=False), "kid": "hs", "alg": "HS256"},
        {**RSA.as_dict(private=False), "kid": "huge", "n": part(b"\xff" * 4096)},
        {**RSA.as_dict(private=False), "kid": "twice"},
        {**OTHER.as_dict(private=False), "kid": "twice"},
        {**RSA.as_dict(private=False), "kid": 7},
        {"kid": "empty", "kty": "RSA"},
        {"kid": "broken", "kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
        "no key",
    ]
    assert set(read_keys({"keys": listed})) == {"rsa"}


@pytest.mark.parametrize("document", [{}, {"keys": None}, {"keys": [{}] * (MOST_KEYS + 1)}])
def test_a_set_of_keys_that_cannot_be_read_is_refused(document: dict[str, Any]) -> None:
    """Nothing is guessed from a document that is not a set of keys."""
    with pytest.raises(SkipassError):
        read_keys(document)


def test_a_private_part_is_not_kept() -> None:
    """Of a set that gives its private keys away only the public parts are taken."""
    (key,) = read_keys({"keys": [RSA.as_dict(private=True)]}).values()
    assert not key.is_private
