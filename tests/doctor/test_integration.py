"""What is wrong with a security integration or the token: one option is broken, and the doctor names that option."""

from __future__ import annotations

import pytest

from doctor.clinic import VOUCH, Clinic, failures, of
from sandbox.client import Client
from skipass.gateway.doctor.findings import State
from skipass.snowflake.auth.keys import generate_key_pair
from skipass.snowflake.setup_sql import integration_name

pytestmark = pytest.mark.anyio
NAME = integration_name(VOUCH)
ALTER = f"ALTER SECURITY INTEGRATION {NAME} SET"


@pytest.fixture
async def vouching(clinic: Clinic) -> Clinic:
    await clinic.add_vouching()
    return clinic


async def test_a_healthy_issuer_is_well(vouching: Clinic) -> None:
    """Nothing fails where the account trusts the gateway and the admin's login is mapped, by either pair of eyes."""
    assert failures(await vouching.examine(VOUCH)) == []
    blind = await vouching.examine(VOUCH, admin=None)
    assert failures(blind) == []
    assert of(blind, "integration").state is State.UNSEEN
    assert "--admin-connection" in of(blind, "integration").fix


def other_key() -> str:
    return generate_key_pair().public_key


BROKEN = {
    "issuer": ("EXTERNAL_OAUTH_ISSUER = 'https://elsewhere.example.com'", "issuer"),
    "a slash more": ("EXTERNAL_OAUTH_ISSUER = '{issuer}/'", "issuer"),
    "key": ("EXTERNAL_OAUTH_RSA_PUBLIC_KEY = '{key}'", "signing_key"),
    "disabled": ("ENABLED = FALSE", "integration_disabled"),
    "user claim": ("EXTERNAL_OAUTH_TOKEN_USER_MAPPING_CLAIM = 'upn'", "user_claim"),
    "scope claim": ("EXTERNAL_OAUTH_SCOPE_MAPPING_ATTRIBUTE = 'scope'", "scope_claim"),
    "blocked role": ("EXTERNAL_OAUTH_BLOCKED_ROLES_LIST = ('AGENT_ROLE')", "role_blocked"),
    "role not allowed": ("EXTERNAL_OAUTH_ALLOWED_ROLES_LIST = ('PUBLIC')", "role_not_allowed"),
}


@pytest.mark.parametrize("broken", BROKEN)
async def test_one_option_broken_is_the_option_that_is_named(vouching: Clinic, broken: str) -> None:
    """The integration is the step that fails, its remedy sets that very option, and what needs it is not looked at."""
    option, symptom = BROKEN[broken]
    issuer = (await vouching.at.gateway.issuing.documents((await vouching.connection(VOUCH)).id))[0]["issuer"]
    vouching.sql(f"{ALTER} {option.format(issuer=issuer, key=other_key())}")
    findings = await vouching.examine(VOUCH)
    assert failures(findings) == [("integration", symptom)], findings
    assert f"SET {option.split(' = ')[0]} =" in of(findings, "integration").fix
    assert of(findings, "sign-in").state is State.UNSEEN


async def test_a_remedy_mends_what_it_names(vouching: Clinic) -> None:
    """The SQL of a remedy, run as it is printed, makes the connection well again."""
    vouching.sql(f"{ALTER} EXTERNAL_OAUTH_ISSUER = 'https://elsewhere.example.com'")
    remedy = of(await vouching.examine(VOUCH), "integration").fix
    vouching.sql(remedy.rstrip(";"))
    assert failures(await vouching.examine(VOUCH)) == []


async def test_an_integration_that_is_gone_is_missing(vouching: Clinic) -> None:
    """A dropped integration is said to be missing, with the script that makes it."""
    vouching.sql(f"DROP INTEGRATION {NAME}")
    findings = await vouching.examine(VOUCH)
    assert failures(findings) == [("integration", "integration_missing")]
    assert "setup-sql" in of(findings, "integration").fix


async def test_what_was_pasted_is_as_good_as_an_admin_s_eyes(vouching: Clinic) -> None:
    """The rows of DESCRIBE INTEGRATION, given by hand, name the option, with no admin's connection at all."""
    vouching.sql(f"{ALTER} EXTERNAL_OAUTH_ISSUER = 'https://elsewhere.example.com'")
    rows = Client.of(vouching.at.sandbox, "ADMIN").sql(f"DESCRIBE INTEGRATION {NAME}").rows
    pasted = {str(row[0]): str(row[2]) for row in rows}
    findings = await vouching.examine(VOUCH, admin=None, described=pasted)
    assert failures(findings) == [("integration", "issuer")]


REFUSED = {
    "issuer": ("EXTERNAL_OAUTH_ISSUER = 'https://elsewhere.example.com'", "issuer"),
    "key": ("EXTERNAL_OAUTH_RSA_PUBLIC_KEY = '{key}'", "signing_key"),
    "disabled": ("ENABLED = FALSE", "integration_disabled"),
    "user claim": ("EXTERNAL_OAUTH_TOKEN_USER_MAPPING_CLAIM = 'upn'", "user_claim"),
}


@pytest.mark.parametrize("broken", REFUSED)
async def test_the_reason_of_a_refusal_is_read_by_its_id(vouching: Clinic, broken: str) -> None:
    """With another integration's description in hand the refused sign-in itself tells the reason to an admin's eyes."""
    option, symptom = REFUSED[broken]
    vouching.sql(f"{ALTER} {option.format(key=other_key())}")
    findings = await vouching.examine(
        VOUCH, described={"ENABLED": "true", "EXTERNAL_OAUTH_ISSUER": await issuer(vouching)}
    )
    assert failures(findings) == [("sign-in", symptom)], findings


async def issuer(clinic: Clinic) -> str:
    documents = await clinic.at.gateway.issuing.documents((await clinic.connection(VOUCH)).id)
    return str(documents[0]["issuer"])


async def test_without_eyes_a_refused_token_is_told_as_that(vouching: Clinic) -> None:
    """By its own token alone the gateway sees 390303: iss, aud, key or user, and who can tell which."""
    vouching.sql(f"{ALTER} EXTERNAL_OAUTH_ISSUER = 'https://elsewhere.example.com'")
    findings = await vouching.examine(VOUCH, admin=None)
    assert failures(findings) == [("sign-in", "token_refused")]
    assert "--admin-connection" in of(findings, "sign-in").fix


async def test_an_audience_of_another_account_is_named(vouching: Clinic) -> None:
    """A token made out to another account than the host's is refused for its aud, and that is what is said."""
    made = await vouching.connection(VOUCH)
    await vouching.change(made, account="OTHER-ACCOUNT")
    findings = await vouching.examine(VOUCH)
    assert failures(findings) == [("sign-in", "audience")], findings


async def test_a_login_that_is_nobody_s_is_named(vouching: Clinic) -> None:
    """A mapped login that no user has is the user mapping, with an admin's eyes and by the code alone."""
    await vouching.at.gateway.mappings.set(vouching.admin, VOUCH, "ada", "nobody@example.com")
    for admin in ("eyes", None):
        findings = await vouching.examine(VOUCH, admin=admin)
        assert failures(findings) == [("sign-in", "user_mapping")]
        assert "SET LOGIN_NAME = 'nobody@example.com'" in of(findings, "sign-in").fix


async def test_a_login_that_nobody_mapped_is_no_credential(vouching: Clinic) -> None:
    """Without a mapped login there is nothing to sign in with, and the remedy maps one."""
    await vouching.at.gateway.mappings.remove(vouching.admin, VOUCH, "ada")
    findings = await vouching.examine(VOUCH)
    assert failures(findings) == [("credential", "no_credential")]
    assert "map-login vouch" in of(findings, "credential").fix
