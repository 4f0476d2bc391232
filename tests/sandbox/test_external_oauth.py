"""External OAuth: the golden claim checks, signatures and keys, and how a refusal reads on the SQL API."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from sandbox.client import Client
from sandbox.fixture import fixture_account
from sandbox.golden import Player, load
from skipass.sandbox.account import Account
from skipass.sandbox.failures import Failure
from skipass.sandbox.identity import primary_role
from skipass.sandbox.oauth import external
from skipass.sandbox.oauth.external import BadToken
from skipass.sandbox.testing import RunningSandbox, running_sandbox

CASES = {name: case for name, case in load("external-oauth").items() if "claims" in case.get("input", {})}
OPTIONS = {
    "scope_claim": "EXTERNAL_OAUTH_SCOPE_MAPPING_ATTRIBUTE",
    "scope_delimiter": "EXTERNAL_OAUTH_SCOPE_DELIMITER",
    "user_mapping_claim": "EXTERNAL_OAUTH_TOKEN_USER_MAPPING_CLAIM",
    "user_mapping_attribute": "EXTERNAL_OAUTH_SNOWFLAKE_USER_MAPPING_ATTRIBUTE",
    "any_role_mode": "EXTERNAL_OAUTH_ANY_ROLE_MODE",
    "type": "EXTERNAL_OAUTH_TYPE",
}


@dataclass(frozen=True)
class Stopped:
    """A clock that stands."""

    at: datetime

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return 0.0


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    made = fixture_account()
    yield made
    made.engine.close()


def configured(account: Account, given: dict[str, Any]) -> None:
    one = account.sign_in.integrations["IDP_EXT"]
    one.options = {name: values for name, values in one.options.items() if name not in OPTIONS.values()}
    one.options |= {
        "EXTERNAL_OAUTH_TYPE": ("CUSTOM",),
        "EXTERNAL_OAUTH_TOKEN_USER_MAPPING_CLAIM": ("sub",),
        "EXTERNAL_OAUTH_SNOWFLAKE_USER_MAPPING_ATTRIBUTE": ("LOGIN_NAME",),
        "EXTERNAL_OAUTH_AUDIENCE_LIST": tuple(given.get("audiences", ())),
    }
    one.options |= {OPTIONS[name]: (value,) for name, value in given.items() if name in OPTIONS}
    for user in account.catalog.users.values():
        user.options["EMAIL"] = given.get("emails", {}).get(user.name, "")


def outcome(account: Account, case: dict[str, Any]) -> dict[str, Any]:
    given = case["input"]
    configured(account, given.get("integration", {}))
    account.clock = Stopped(datetime.fromtimestamp(given.get("now", 1767225700), UTC))
    try:
        one = external.integration_of(account, given["claims"])
        identity = external.identify(account, one, given["claims"], given.get("requested_user"))
        role = primary_role(account.catalog, identity, given.get("requested_role"), "390186")
    except BadToken as bad:
        return {"accepted": False, "code": str(bad.code)}
    except Failure as failure:
        return {"accepted": False, "code": failure.code}
    return {"accepted": True, "user": identity.user.name, "role": role}


@pytest.mark.parametrize("name", CASES)
def test_claims(account: Account, name: str) -> None:
    """Claims are accepted or refused as the golden case says, with its code."""
    wanted, got = CASES[name]["output"], outcome(account, CASES[name])
    assert any(one.items() <= got.items() for one in wanted.get("$oneof", [wanted])), got


@pytest.mark.parametrize(("switch", "accepted"), [("exact", False), ("ignored", True)])
def test_slash_of_the_audience_is_a_switch(account: Account, switch: str, accepted: bool) -> None:
    """Whether a trailing slash of the audience counts is a switch."""
    account.switches.audience_slash = switch
    assert outcome(account, CASES["ext-audience-slash"])["accepted"] is accepted
    account.switches.audience_slash = "exact"


@pytest.fixture
def server() -> Iterator[RunningSandbox]:
    with running_sandbox(fixture_account()) as running:
        yield running


KEY = RSAKey.generate_key(2048, private=True)


def body_of(key: RSAKey) -> str:
    return "".join(key.as_pem(private=False).decode().splitlines()[1:-1])


def signed(server: RunningSandbox, key: RSAKey = KEY, alg: str = "RS256", **changes: Any) -> str:
    now = int(server.account.now().timestamp())
    claims = CASES["ext-ok-list"]["input"]["claims"] | {"iat": now, "nbf": now, "exp": now + 600} | changes
    claims = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode({"alg": alg}, claims, key, algorithms=[alg])


@pytest.fixture
def trusting(server: RunningSandbox) -> RunningSandbox:
    text = f"alter security integration idp_ext set external_oauth_rsa_public_key = '{body_of(KEY)}'"
    assert Client.of(server, "ADMIN").sql(text).status == 200
    return server


def call(server: RunningSandbox, token: str, **body: Any) -> Any:
    return Client(server.host, token, kind="OAUTH").sql("select current_user(), current_role()", **body)


@pytest.mark.parametrize("alg", ["RS256", "RS384", "RS512"])
def test_signed_token_runs(trusting: RunningSandbox, alg: str) -> None:
    """A token signed with the integration's key signs in its user with its role."""
    assert call(trusting, signed(trusting, alg=alg)).rows == [["JDOE", "AGENT_READER"]]


def reason(server: RunningSandbox, reply: Any) -> str:
    found = reply.body["message"].rpartition("[")[2].rstrip("]")
    text = Client.of(server, "ADMIN").sql(f"select system$get_login_failure_details('{found}')").rows[0][0]
    return str(json.loads(text or "{}").get("errorCode"))


def test_refusals_tell_administrators_why(trusting: RunningSandbox) -> None:
    """The caller gets a code and an id, and under the id an administrator finds the documented name."""
    other = RSAKey.generate_key(2048, private=True)
    cases = {
        "EXTERNAL_OAUTH_INVALID_SIGNATURE": signed(trusting, other),
        "EXTERNAL_OAUTH_ACCESS_TOKEN_ISSUER_NOT_FOUND": signed(trusting, iss="https://nobody.example.com"),
        "EXTERNAL_OAUTH_MISSING_ISSUER": signed(trusting, iss=None),
        "EXTERNAL_OAUTH_MISSING_AUDIENCE": signed(trusting, aud=None),
        "EXTERNAL_OAUTH_AUDIENCE_VALIDATION_FAILED": signed(trusting, aud="https://else.example.com"),
        "EXTERNAL_OAUTH_USER_CLAIM_MISSING": signed(trusting, sub=None),
        "EXTERNAL_OAUTH_ACCESS_TOKEN_NOT_YET_VALID": signed(trusting, nbf=99_999_999_999),
        "EXTERNAL_OAUTH_JWS_INVALID_FORMAT": "a.b.c",
    }
    found = {name: call(trusting, token) for name, token in cases.items()}
    assert {reply.code for reply in found.values()} == {"390303"}
    assert {name: reason(trusting, reply) for name, reply in found.items()} == {name: name for name in cases}
    expired = call(trusting, signed(trusting, exp=1))
    assert (expired.code, reason(trusting, expired)) == ("390318", "EXTERNAL_OAUTH_ACCESS_TOKEN_EXPIRED")


def test_unsigned_and_symmetric_tokens_are_refused(trusting: RunningSandbox) -> None:
    """`none` and HMAC with the public key as the secret are of the wrong type."""
    _, payload, _ = signed(trusting).split(".")
    for alg in ("none", "HS256"):
        head = base64.urlsafe_b64encode(json.dumps({"alg": alg}).encode()).rstrip(b"=").decode()
        reply = call(trusting, f"{head}.{payload}.AAAA")
        assert (reply.code, reason(trusting, reply)) == ("390303", "EXTERNAL_OAUTH_JWS_INVALID_TYPE")


def test_keys_elsewhere_are_not_fetched(server: RunningSandbox) -> None:
    """A keys address that is not on this machine is never asked."""
    text = "alter security integration idp_ext set external_oauth_jws_keys_url = 'https://idp.example.com/keys'"
    Client.of(server, "ADMIN").sql(text)
    reply = call(server, signed(server))
    assert reason(server, reply) == "EXTERNAL_OAUTH_JWS_CANT_RETRIEVE_PUBLIC_KEY"


def test_disabled_integration_refuses_its_tokens(trusting: RunningSandbox) -> None:
    """Disabling the integration takes effect at the next call."""
    token = signed(trusting)
    assert call(trusting, token).status == 200
    Client.of(trusting, "ADMIN").sql("alter security integration idp_ext set enabled = false")
    assert reason(trusting, call(trusting, token)) == "EXTERNAL_OAUTH_ACCESS_TOKEN_ISSUER_NOT_ENABLED"


def test_verify_function_tells_the_result(trusting: RunningSandbox) -> None:
    """SYSTEM$VERIFY_EXTERNAL_OAUTH_TOKEN says passed with issuer and user, or failed with the reason."""
    admin = Client.of(trusting, "ADMIN")

    def verify(token: str) -> dict[str, str]:
        text = admin.sql(f"select system$verify_external_oauth_token('{token}')").rows[0][0] or ""
        assert text.startswith("Token Validation finished.")
        found: dict[str, str] = json.loads(text.removeprefix("Token Validation finished."))
        return found

    assert verify(signed(trusting)) == {
        "Validation Result": "Passed",
        "Issuer": "https://idp.example.com",
        "User": "JDOE",
    }
    failed = verify(signed(trusting, aud="x"))
    assert failed["Failure Reason"] == "EXTERNAL_OAUTH_AUDIENCE_VALIDATION_FAILED"


def test_role_of_the_request_must_be_in_the_token(trusting: RunningSandbox) -> None:
    """Another role than the token's is 390317, as is a scope under a name that is not read."""
    assert call(trusting, signed(trusting), role="AGENT_WRITER").code == "390317"
    assert call(trusting, signed(trusting, scp=None, scope="session:role:AGENT_READER")).code == "390317"


def test_expired_token_of_the_golden_exchange(server: RunningSandbox) -> None:
    """An expired outside token is refused on the SQL API as the golden exchange says."""
    case = load("external-oauth")["ext-401-on-sqlapi"]
    text = f"alter security integration idp_ext set external_oauth_rsa_public_key = '{body_of(KEY)}'"
    Client.of(server, "ADMIN").sql(text)
    player = Player(server.host, {"FAKE.EXT.EXPIRED": f"Bearer {signed(server, exp=1)}"})
    assert player.check(case["response"], player.send(case["request"])) == []
