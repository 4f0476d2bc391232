"""The security integration as DESCRIBE INTEGRATION shows it, held to what the connection needs of it.

The comparison is pure; the properties come from an admin's connection or from what somebody pasted.
Source: https://docs.snowflake.com/en/sql-reference/sql/create-security-integration-oauth-snowflake ,
…/create-security-integration-oauth-external
"""

from __future__ import annotations

import base64
from collections.abc import Iterator

from skipass.errors import SkipassError
from skipass.gateway.client_drafting import redirect_uri
from skipass.gateway.doctor.findings import Check, Finding, failed, ok, unseen
from skipass.gateway.doctor.patient import OAUTH, TRUSTED, Patient, Properties, properties
from skipass.gateway.issuer import issuer_url
from skipass.gateway.oauth_metadata import is_any_role
from skipass.gateway.upstream import credential_place
from skipass.nouns.connection import AuthMethod
from skipass.snowflake.account import parse_account
from skipass.snowflake.auth.keys import load_private_key, public_der
from skipass.snowflake.auth.vouched import SCOPE_CLAIM, USER_CLAIM
from skipass.snowflake.setup_sql.text import literal, name
from skipass.vault.seal import unseal

STEP = "integration"


async def described(on: Patient) -> Finding | None:
    """Read the integration, and name the first of its options that does not fit."""
    if on.connection.auth_method not in (*OAUTH, AuthMethod.EXTERNAL_OAUTH_ISSUER):
        return None
    if on.described is not None:
        on.properties = on.described
    else:
        try:
            shown = await on.as_admin("integration", integration=on.integration)
        except SkipassError as error:
            return _missing(on, error)
        if shown is None:
            fix = f"--admin-connection NAME, or paste what DESCRIBE INTEGRATION {name(on.integration)} shows"
            return unseen(STEP, "only an admin of the account sees it", fix)
        on.properties = properties(shown)
    problem = next(_problems(on, on.properties), None)
    return problem or ok(STEP, f"{on.integration}: enabled, and its options fit")


def _missing(on: Patient, error: SkipassError) -> Finding:
    if (error.details or {}).get("snowflake_code") not in ("002003", "ObjectNotFoundError"):
        return unseen(STEP, error.message, error.hint)
    cause = "There is no such integration, or the admin's role may not see it."
    fix = f"Run what skipass connection setup-sql {on.connection.name} prints; --integration NAME names another one."
    return failed(STEP, "integration_missing", f"{on.integration}: {error.message}", cause, fix)


def listed(value: str | None) -> tuple[str, ...]:
    """Return the items of a list as DESCRIBE shows it: `[A,B]`, `A,B` or `["A","B"]`."""
    inner = (value or "").strip().removeprefix("[").removesuffix("]")
    return tuple(item for one in inner.split(",") if (item := one.strip().strip("\"'")))


def _problems(on: Patient, shown: Properties) -> Iterator[Finding]:
    if shown.get("ENABLED", "true").lower() != "true":
        yield on.has(STEP, "integration_disabled", "ENABLED is false")
    yield from _client(on, shown) if on.connection.auth_method is AuthMethod.SNOWFLAKE_OAUTH else _issuer(on, shown)
    yield from _roles(on, shown)


def _wrong(on: Patient, symptom: str, option: str, seen: str, wanted: str, cause: str) -> Finding:
    fix = f"ALTER SECURITY INTEGRATION {name(on.integration)} SET {option} = {wanted};"
    return failed(STEP, symptom, f"{option} is {seen or 'not set'}", cause, fix)


def _client(on: Patient, shown: Properties) -> Iterator[Finding]:
    registration = on.registration
    if registration is None:
        return
    ours = redirect_uri(on.deps.base_url, registration)
    known = (shown.get("OAUTH_REDIRECT_URI", ""), *listed(shown.get("OAUTH_ALTERNATE_REDIRECT_URIS")))
    if ours not in known:
        cause = "The integration does not send anybody back to this gateway."
        yield _wrong(on, "redirect_uri", "OAUTH_REDIRECT_URI", ", ".join(filter(None, known)), literal(ours), cause)
    client_id = shown.get("OAUTH_CLIENT_ID")
    if client_id and registration.client_id and client_id != registration.client_id:
        yield on.has(STEP, "client_unknown", f"OAUTH_CLIENT_ID is {client_id}, registered is {registration.client_id}")
    if shown.get("OAUTH_ISSUE_REFRESH_TOKENS", "true").lower() == "false":
        cause = "Without refresh tokens everybody signs in again every ten minutes."
        yield _wrong(on, "no_refresh_tokens", "OAUTH_ISSUE_REFRESH_TOKENS", "false", "TRUE", cause)


def _issuer(on: Patient, shown: Properties) -> Iterator[Finding]:
    issuer = _own_issuer(on)
    if issuer and shown.get("EXTERNAL_OAUTH_ISSUER", "") != issuer:
        cause = "It trusts another issuer; they are compared character by character, a slash at the end included."
        seen = shown.get("EXTERNAL_OAUTH_ISSUER", "")
        yield _wrong(on, "issuer", "EXTERNAL_OAUTH_ISSUER", seen, literal(issuer), cause)
    if on.connection.auth_method is AuthMethod.EXTERNAL_OAUTH_ISSUER:
        yield from _vouching(on, shown)
    mode = shown.get("EXTERNAL_OAUTH_ANY_ROLE_MODE", "DISABLE")
    scope = str(on.registration.metadata.get("scope", "")) if on.registration else ""
    if is_any_role(scope) and mode.upper() == "DISABLE":
        cause = "The scope asks for any role, and the integration lets nobody have that."
        yield _wrong(on, "any_role_mode", "EXTERNAL_OAUTH_ANY_ROLE_MODE", mode, "ENABLE", cause)


def _own_issuer(on: Patient) -> str:
    if on.connection.auth_method is AuthMethod.EXTERNAL_OAUTH_ISSUER:
        return issuer_url(on.deps.base_url, on.connection)
    return str(on.registration.metadata.get("issuer") or "") if on.registration else ""


def _vouching(on: Patient, shown: Properties) -> Iterator[Finding]:
    """Hold the integration of a gateway that is the issuer itself to what it signs."""
    claims = listed(shown.get("EXTERNAL_OAUTH_TOKEN_USER_MAPPING_CLAIM"))
    if claims and USER_CLAIM not in claims:
        cause = f"The gateway's tokens name the login in {USER_CLAIM}."
        option = "EXTERNAL_OAUTH_TOKEN_USER_MAPPING_CLAIM"
        yield _wrong(on, "user_claim", option, ", ".join(claims), literal(USER_CLAIM), cause)
    attribute = shown.get("EXTERNAL_OAUTH_SCOPE_MAPPING_ATTRIBUTE", SCOPE_CLAIM)
    if attribute != SCOPE_CLAIM:
        cause = f"The gateway's tokens name the role in {SCOPE_CLAIM}."
        yield _wrong(
            on, "scope_claim", "EXTERNAL_OAUTH_SCOPE_MAPPING_ATTRIBUTE", attribute, literal(SCOPE_CLAIM), cause
        )
    keys = [shown.get(f"EXTERNAL_OAUTH_RSA_PUBLIC_KEY{end}", "") for end in ("", "_2")]
    ours = _public_key(on)
    if any(keys) and ours is not None and ours not in ["".join(key.split()) for key in keys]:
        cause = "It has another key than the one that the gateway signs with."
        yield _wrong(on, "signing_key", "EXTERNAL_OAUTH_RSA_PUBLIC_KEY", "another key", f"'{ours}'", cause)


def _public_key(on: Patient) -> str | None:
    if on.out is None:
        return None
    credential = on.out.credential
    key = load_private_key(unseal(on.deps.kek, credential.sealed, credential_place(credential)))
    return base64.b64encode(public_der(key)).decode()


def audience_problem(on: Patient, shown: Properties, given: tuple[str, ...]) -> Finding | None:
    """Return what is wrong with the audiences of a token, None where one of them is the account's or listed."""
    account = on.registration.account if on.registration else on.connection.account
    wanted = {*listed(shown.get("EXTERNAL_OAUTH_AUDIENCE_LIST")), parse_account(account).url}
    if wanted & set(given):
        return None
    cause = "The token is made out to somebody else than this account; audiences are compared as they are written."
    seen = f"aud is {', '.join(given) or 'not there'}; taken are {', '.join(sorted(wanted))}"
    fix = f"ALTER SECURITY INTEGRATION {name(on.integration)} SET EXTERNAL_OAUTH_AUDIENCE_LIST = "
    fix += f"({', '.join(literal(one) for one in given)});"
    return failed("claims", "audience", seen, cause, fix)


def _roles(on: Patient, shown: Properties) -> Iterator[Finding]:
    before = "EXTERNAL_OAUTH_" if on.connection.auth_method in TRUSTED else ""
    blocked, allowed = f"{before}BLOCKED_ROLES_LIST", f"{before}ALLOWED_ROLES_LIST"
    if on.role in listed(shown.get(blocked)):
        others = ", ".join(literal(one) for one in listed(shown.get(blocked)) if one != on.role)
        cause = f"{on.role} may not be used through this integration."
        yield _wrong(on, "role_blocked", blocked, shown[blocked], f"({others})", cause)
    may = listed(shown.get(allowed))
    if may and on.role not in may:
        wanted = ", ".join(literal(one) for one in (*may, on.role))
        cause = f"{on.role} is not among the only roles that may be used."
        yield _wrong(on, "role_not_allowed", allowed, ", ".join(may), f"({wanted})", cause)


CHECKS = (Check(STEP, (), described),)
