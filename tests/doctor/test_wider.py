"""What lets in more or fewer than was meant: roles that come along, and audiences of a template's account."""

from __future__ import annotations

import pytest

from doctor.clinic import Clinic, failures, of
from skipass.gateway.doctor.findings import State

pytestmark = pytest.mark.anyio
OWN = {"connection": "own", "integration": "SKIPASS_OAUTH"}
MANY = {"connection": "many", "integration": "SANDBOX_IDP"}
OURS = "https://skipass-sandbox.snowflakecomputing.com"
AUDIENCE = "api://skipass"
LISTED = "ALTER SECURITY INTEGRATION SANDBOX_IDP SET EXTERNAL_OAUTH_AUDIENCE_LIST = ('{}')"


async def test_roles_that_come_along_are_named_alone(clinic: Clinic) -> None:
    """Where sessions open with the user's secondary roles, that is what fails, and its remedy mends it."""
    clinic.sql("CREATE ROLE ELSEWHERE", "GRANT ROLE ELSEWHERE TO USER DANA")
    await clinic.link_own(await clinic.add_own())
    assert failures(await clinic.examine(**OWN)) == []
    clinic.sql(
        "ALTER SECURITY INTEGRATION SKIPASS_OAUTH UNSET ALLOWED_ROLES_LIST",
        "ALTER SECURITY INTEGRATION SKIPASS_OAUTH SET OAUTH_USE_SECONDARY_ROLES = IMPLICIT",
    )
    findings = await clinic.examine(**OWN)
    assert failures(findings) == [("role", "secondary_roles")], findings
    assert of(findings, "sign-in").state is State.OK
    clinic.sql(of(findings, "role").fix.rstrip(";"))
    assert failures(await clinic.examine(**OWN)) == []


async def test_a_template_s_audience_list_is_named_alone(clinic: Clinic) -> None:
    """Where a template's account does not list the audience of the provider's tokens, that option is what fails."""
    clinic.sql(LISTED.format(AUDIENCE))
    await clinic.link(await clinic.add_template(), claims={"aud": AUDIENCE})
    assert failures(await clinic.examine(**MANY)) == []
    clinic.sql(LISTED.format("api://else"))
    findings = await clinic.examine(**MANY)
    assert failures(findings) == [("claims", "audience")], findings
    fix = of(findings, "claims").fix
    assert fix == LISTED.format(AUDIENCE).replace("SANDBOX_IDP", '"SANDBOX_IDP"') + ";"
    clinic.sql(fix.rstrip(";"))
    assert failures(await clinic.examine(**MANY)) == []


async def test_a_token_refused_for_its_audience_is_not_taken_for_nobody_s(clinic: Clinic) -> None:
    """A linked user is looked up by name: the refusal's own reason is named where the description at hand is older."""
    clinic.sql(LISTED.format(AUDIENCE))
    made = await clinic.add_template()
    await clinic.link(made, claims={"aud": AUDIENCE})
    older = {"EXTERNAL_OAUTH_ISSUER": made.metadata["issuer"], "EXTERNAL_OAUTH_AUDIENCE_LIST": AUDIENCE}
    clinic.sql(LISTED.format("api://else"))
    findings = await clinic.examine(**MANY, described=older)
    assert failures(findings) == [("sign-in", "audience")], findings


@pytest.mark.parametrize(("audience", "found"), [(OURS, []), ("https://else.example.com", [("claims", "audience")])])
async def test_a_template_s_own_account_is_an_audience(
    clinic: Clinic, audience: str, found: list[tuple[str, str]]
) -> None:
    """Without a list a token made out to the registered account's address is taken, and one to another's is named."""
    await clinic.link(await clinic.add_template(), claims={"aud": audience})
    assert failures(await clinic.examine(**MANY)) == found
