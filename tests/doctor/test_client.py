"""What is wrong with our client at an authorization server, or with its tokens: one thing broken, one thing named."""

from __future__ import annotations

from typing import Any

import pytest

from doctor.clinic import Clinic, failures, of
from skipass.gateway.doctor.findings import State
from skipass.nouns.account import Registration
from skipass.secret import Secret

pytestmark = pytest.mark.anyio
OWN = {"connection": "own", "integration": "SKIPASS_OAUTH"}
IDP = {"connection": "idp", "integration": "SANDBOX_IDP"}
NOBODY_LINKED = ("credential", "no_credential")


async def test_a_client_of_snowflake_is_well_before_anybody_links(clinic: Clinic) -> None:
    """Id, secret, scope and callback address are taken; only the admin's own account is not there yet."""
    await clinic.add_own()
    findings = await clinic.examine(**OWN)
    assert failures(findings) == [NOBODY_LINKED]
    for step in ("client", "scope", "integration", "authorize", "token endpoint"):
        assert of(findings, step).state is State.OK, findings
    assert "account link own" in of(findings, "credential").fix
    assert of(findings, "sign-in").state is State.UNSEEN


async def test_a_client_without_an_id_would_register_itself(clinic: Clinic) -> None:
    """A registration without a client id is the dynamic registration that Snowflake refuses."""
    await clinic.change(await clinic.add_own(), client_id="")
    findings = await clinic.examine(**OWN)
    assert failures(findings)[0] == ("client", "dynamic_registration")
    assert "connection client own" in of(findings, "client").fix


OWN_BROKEN = {
    "wrong secret": (None, {"secret": Secret("another")}, True, ("token endpoint", "client_refused")),
    "no callback": (None, {}, False, ("authorize", "redirect_uri")),
    "wrong id": (None, {"client_id": "nobody"}, True, ("authorize", "client_unknown")),
    "disabled": ("ENABLED = FALSE", {}, True, ("token endpoint", "client_refused")),
}


@pytest.mark.parametrize("broken", OWN_BROKEN)
async def test_the_authorization_server_s_refusal_is_recognised(clinic: Clinic, broken: str) -> None:
    """Without an admin's eyes a probe that signs nobody in names the secret, the id or the callback address."""
    option, client, allowed, expected = OWN_BROKEN[broken]
    await clinic.add_own(allowed=allowed, **client)
    if option:
        clinic.sql(f"ALTER SECURITY INTEGRATION SKIPASS_OAUTH SET {option}")
    findings = await clinic.examine(**OWN, admin=None)
    assert expected in failures(findings), findings


SEEN = {
    "no callback": (None, {}, False, "redirect_uri"),
    "wrong id": (None, {"client_id": "nobody"}, True, "client_unknown"),
    "disabled": ("ENABLED = FALSE", {}, True, "integration_disabled"),
    "no refresh": ("OAUTH_ISSUE_REFRESH_TOKENS = FALSE", {}, True, "no_refresh_tokens"),
    "role not allowed": ("ALLOWED_ROLES_LIST = ('PUBLIC')", {}, True, "role_not_allowed"),
}


@pytest.mark.parametrize("broken", SEEN)
async def test_with_an_admin_s_eyes_the_option_itself_is_named(clinic: Clinic, broken: str) -> None:
    """The integration is held to the registration, and the first failure is the option that is wrong."""
    option, client, allowed, symptom = SEEN[broken]
    await clinic.add_own(allowed=allowed, **client)
    if option:
        clinic.sql(f"ALTER SECURITY INTEGRATION SKIPASS_OAUTH SET {option}")
    assert failures(await clinic.examine(**OWN))[0] == ("integration", symptom)


async def test_a_provider_is_well_with_a_linked_account(clinic: Clinic) -> None:
    """Discovery, scope, client, integration, claims and sign-in are in order."""
    await clinic.link(await clinic.add_provider())
    findings = await clinic.examine(**IDP)
    assert failures(findings) == []
    for step in ("scope", "discovery", "authorize", "token endpoint", "integration", "claims", "sign-in"):
        assert of(findings, step).state is State.OK, findings


async def test_a_scope_that_was_taken_from_an_advertisement_is_named(clinic: Clinic) -> None:
    """`session:role:all`, which MCP servers advertise, is no scope to configure."""
    await clinic.add_provider(scope="session:role:all")
    findings = await clinic.examine(**IDP)
    assert failures(findings)[0] == ("scope", "scope_all")
    assert "session:role:AGENT_ROLE" in of(findings, "scope").fix


async def test_a_scope_that_the_provider_does_not_know_is_named(clinic: Clinic) -> None:
    """The provider's refusal that a scope is not configured is heard without anybody signing in."""
    await clinic.add_provider()
    clinic.at.sandbox.app.provider.directory.servers["default"].scopes = frozenset({"session:role:OTHER"})
    findings = await clinic.examine(**IDP)
    assert failures(findings)[0] == ("authorize", "scope_not_configured")
    assert "session:role:AGENT_ROLE" in of(findings, "authorize").fix


async def test_an_issuer_with_a_slash_more_is_named(clinic: Clinic) -> None:
    """The issuer in the registration is held to what the provider says of itself, and to the integration."""
    made: Registration = await clinic.add_provider()
    issuer = made.metadata["issuer"]
    await clinic.change(made, metadata={**made.metadata, "issuer": f"{issuer}/"})
    assert failures(await clinic.examine(**IDP, admin=None))[0] == ("discovery", "discovery")
    assert failures(await clinic.examine(**IDP))[0] == ("integration", "issuer")


CLAIMS: dict[str, tuple[dict[str, Any], str]] = {
    "aud": ({"claims": {"aud": "https://elsewhere.example.com"}}, "audience"),
    "iss": ({"claims": {"iss": "https://elsewhere.example.com"}}, "issuer"),
    "no sub": ({"claims": {"sub": None}}, "user_claim"),
    "scp": ({"scope": "session:role:PUBLIC"}, "role_not_in_token"),
    "exp": ({"expires_in": -60}, "token_expired"),
}


@pytest.mark.parametrize("claim", CLAIMS)
async def test_a_claim_that_does_not_fit_is_named(clinic: Clinic, claim: str) -> None:
    """The claims of the caller's own token are held to the integration before anything is sent with it."""
    minted, symptom = CLAIMS[claim]
    await clinic.link(await clinic.add_provider(), **minted)
    findings = await clinic.examine(**IDP)
    assert failures(findings)[0] == ("claims", symptom), findings
    assert of(findings, "sign-in").state is State.UNSEEN


async def test_a_subject_that_is_nobody_is_the_user_mapping(clinic: Clinic) -> None:
    """A token whose sub is no user's LOGIN_NAME is refused, and the mapping is what is named."""
    await clinic.link(await clinic.add_provider(), login="nobody@example.com")
    assert failures(await clinic.examine(**IDP)) == [("sign-in", "user_mapping")]


async def test_no_token_and_no_secret_is_in_what_is_found(clinic: Clinic) -> None:
    """Findings and the record hold claims, never a token's text or a client's secret."""
    await clinic.link(await clinic.add_provider())
    findings = repr(await clinic.examine(**IDP))
    recorded = repr(await clinic.at.recorded("connection.tested")) + repr(
        await clinic.at.recorded("connection.examined")
    )
    secret = clinic.at.sandbox.said["idp"]["client_secret"]
    for text in (findings, recorded):
        assert "eyJ" not in text
        assert secret not in text
