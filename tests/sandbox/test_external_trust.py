"""How an account trusts the provider beside it: each setting broken alone, and what then is refused with which code."""

from __future__ import annotations

import json
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from sandbox.client import Client
from skipass.sandbox.testing import RunningSandbox

IDP = "security integration sandbox_idp"
POLICY = "create network policy p allowed_ip_list = ('10.0.0.1')"
ASKED = "select current_user(), current_role()"
GOOD = {"login": "dana@example.com", "scope": "session:role:AGENT_ROLE"}


@pytest.fixture
def root(fresh: RunningSandbox) -> Client:
    return Client.of(fresh, "ADMIN")


def done(client: Client, *statements: str) -> None:
    for text in statements:
        reply = client.sql(text)
        assert reply.status == 200, reply.body


def minted(sandbox: RunningSandbox, **changes: Any) -> str:
    return str(sandbox.control.provider("mint", **GOOD | changes)["token"])


def used(sandbox: RunningSandbox, token: str, **body: Any) -> Any:
    return Client(sandbox.host, token, kind="OAUTH").sql(ASKED, **body)


def reason(root: Client, reply: Any) -> str:
    found = reply.body["message"].rpartition("[")[2].rstrip("]")
    text = root.sql(f"select system$get_login_failure_details('{found}')").rows[0][0]
    return str(json.loads(text or "{}").get("errorCode"))


def test_minted_token_signs_in(fresh: RunningSandbox) -> None:
    """A token minted without changes is as good as one from the sign-in page."""
    assert used(fresh, minted(fresh)).rows == [["DANA", "AGENT_ROLE"]]


@pytest.mark.parametrize(
    ("changes", "code", "name"),
    [
        ({"key": "other"}, "390303", "EXTERNAL_OAUTH_INVALID_SIGNATURE"),
        ({"claims": {"aud": "https://else.example.com"}}, "390303", "EXTERNAL_OAUTH_AUDIENCE_VALIDATION_FAILED"),
        ({"claims": {"iss": "https://else.example.com"}}, "390303", "EXTERNAL_OAUTH_ACCESS_TOKEN_ISSUER_NOT_FOUND"),
        ({"expires_in": -1}, "390318", "EXTERNAL_OAUTH_ACCESS_TOKEN_EXPIRED"),
        ({"claims": {"sub": None}}, "390303", "EXTERNAL_OAUTH_USER_CLAIM_MISSING"),
        ({"login": "nobody@example.com"}, "390304", "USER_NOT_FOUND"),
    ],
)
def test_one_wrong_member_is_named(
    fresh: RunningSandbox, root: Client, changes: dict[str, Any], code: str, name: str
) -> None:
    """A token with one member wrong is refused with its code, and administrators read which one it was."""
    reply = used(fresh, minted(fresh, **changes))
    assert (reply.code, reason(root, reply)) == (code, name)


@pytest.mark.parametrize(
    ("scope", "code"),
    [("session:role:ACCOUNTADMIN", "390186"), ("session:role:REPORTER", "390186"), ("openid", "390317")],
)
def test_role_of_the_token_must_be_the_users(fresh: RunningSandbox, root: Client, scope: str, code: str) -> None:
    """A privileged role, one that was not granted, and none at all are refused."""
    done(root, "create role reporter", "grant role accountadmin to user dana")
    assert used(fresh, minted(fresh, scope=scope)).code == code


@pytest.mark.parametrize(
    "acts",
    [
        ["set external_oauth_allowed_roles_list = ('REPORTER')"],
        ["set external_oauth_blocked_roles_list = ('AGENT_ROLE')"],
    ],
)
def test_role_lists_of_the_integration(fresh: RunningSandbox, root: Client, acts: list[str]) -> None:
    """A role outside the allowed list or on the blocked one is 390186, and good again without the list."""
    token = minted(fresh)
    done(root, *(f"alter {IDP} {act}" for act in acts))
    assert used(fresh, token).code == "390186"
    done(root, f"alter {IDP} unset external_oauth_allowed_roles_list, external_oauth_blocked_roles_list")
    assert used(fresh, token).status == 200


def test_any_role_mode(fresh: RunningSandbox, root: Client) -> None:
    """`session:role-any` needs the mode, and the privilege where the mode asks for it; then the request chooses."""
    done(root, "create role reporter", "grant role reporter to user dana")
    token = minted(fresh, scope="session:role-any")
    assert used(fresh, token).code == "390317"
    done(root, f"alter {IDP} set external_oauth_any_role_mode = 'ENABLE_FOR_PRIVILEGE'")
    assert used(fresh, token).code == "390317"
    done(root, "grant use_any_role on integration sandbox_idp to role reporter")
    assert used(fresh, token, role="REPORTER").rows == [["DANA", "REPORTER"]]
    done(root, "revoke use_any_role on integration sandbox_idp from role reporter")
    assert used(fresh, token).code == "390317"
    done(root, f"alter {IDP} set external_oauth_any_role_mode = 'ENABLE'")
    assert used(fresh, token).rows == [["DANA", "AGENT_ROLE"]]


@pytest.mark.parametrize("shape", ["list", "text"])
def test_scopes_as_list_or_text(fresh: RunningSandbox, shape: str) -> None:
    """Providers write `scp` as a list or as one text, and the account reads both."""
    fresh.control.provider("server", scp=shape)
    token = minted(fresh, scope="openid session:role:AGENT_ROLE")
    assert used(fresh, token).rows == [["DANA", "AGENT_ROLE"]]


def test_several_audiences(fresh: RunningSandbox, root: Client) -> None:
    """A custom integration lists further audiences, and a token may name several of which one fits."""
    fresh.control.provider("server", audience="api://agents")
    assert used(fresh, minted(fresh)).code == "390303"
    both = minted(fresh, claims={"aud": ["api://agents", f"https://{fresh.account.host}"]})
    assert used(fresh, both).status == 200
    many = "set external_oauth_audience_list = ('api://agents', 'api://more')"
    assert root.sql(f"alter {IDP} {many}").code == "001422"
    done(root, f"alter {IDP} set external_oauth_type = CUSTOM", f"alter {IDP} {many}")
    assert used(fresh, minted(fresh)).status == 200


def test_user_is_found_by_address(fresh: RunningSandbox, root: Client) -> None:
    """With the mapping to EMAIL_ADDRESS a person is found by that, and nobody when two have the same."""
    claims = {"email": "Dana@Example.com", "sub": "00u1"}
    done(
        root,
        f"alter {IDP} set external_oauth_token_user_mapping_claim = 'email' "
        "external_oauth_snowflake_user_mapping_attribute = 'EMAIL_ADDRESS'",
    )
    assert used(fresh, minted(fresh, claims=claims)).rows == [["DANA", "AGENT_ROLE"]]
    done(root, "alter user erik set email = 'dana@example.com'")
    assert used(fresh, minted(fresh, claims=claims)).code == "390304"


def test_keys_of_a_gateway_are_changed_one_after_the_other(fresh: RunningSandbox, root: Client) -> None:
    """Two public keys are trusted at once, so that an issuer without a keys address changes its key without a gap."""
    old, new = (RSAKey.generate_key(2048, private=True) for _ in range(2))
    now = int(fresh.account.now().timestamp())
    claims = {
        "iss": "https://gateway.example.com/issuers/one",
        "aud": f"https://{fresh.account.host}",
        "sub": "dana@example.com",
        "scp": ["session:role:AGENT_ROLE"],
        "iat": now,
        "exp": now + 300,
    }

    def answer(key: RSAKey) -> str:
        reply = used(fresh, jwt.encode({"alg": "RS256"}, claims, key))
        return "" if reply.status == 200 else reason(root, reply)

    def body(key: RSAKey) -> str:
        return "".join(key.as_pem(private=False).decode().splitlines()[1:-1])

    done(
        root,
        "create security integration gateway type = external_oauth enabled = true external_oauth_type = custom "
        f"external_oauth_issuer = '{claims['iss']}' external_oauth_rsa_public_key = '{body(old)}' "
        "external_oauth_token_user_mapping_claim = 'sub' "
        "external_oauth_snowflake_user_mapping_attribute = 'LOGIN_NAME'",
    )
    wrong = "EXTERNAL_OAUTH_INVALID_SIGNATURE"
    assert (answer(old), answer(new)) == ("", wrong)
    done(root, f"alter security integration gateway set external_oauth_rsa_public_key_2 = '{body(new)}'")
    assert (answer(old), answer(new)) == ("", "")
    done(root, f"alter security integration gateway set external_oauth_rsa_public_key = '{body(new)}'")
    done(root, "alter security integration gateway unset external_oauth_rsa_public_key_2")
    assert (answer(old), answer(new)) == (wrong, "")


@pytest.mark.parametrize(
    ("acts", "code"),
    [
        (["alter user dana set disabled = true"], "390304"),
        (["revoke role agent_role from user dana"], "390186"),
        (["drop role agent_role"], "390186"),
        ([f"drop {IDP}"], "390303"),
        ([f"alter {IDP} set enabled = false"], "390303"),
        ([POLICY, f"alter {IDP} set network_policy = P"], "390422"),
        ([POLICY, "alter user dana set network_policy = P"], "390422"),
    ],
)  # fmt: skip
def test_what_ends_an_outside_token(fresh: RunningSandbox, root: Client, acts: list[str], code: str) -> None:
    """A living token of the provider is refused at the call after each act."""
    token = minted(fresh)
    assert used(fresh, token).status == 200
    done(root, *acts)
    assert used(fresh, token).code == code
