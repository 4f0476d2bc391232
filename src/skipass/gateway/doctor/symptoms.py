"""What Snowflake's refusals, and those of providers, usually mean: a table from codes and words to cause and remedy.

Pure data and one look-up. Source: the message reference of each code;
https://docs.snowflake.com/en/user-guide/oauth-ext-overview ;
https://docs.snowflake.com/en/user-guide/snowflake-cortex/cortex-agents-mcp
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from skipass.gateway.doctor.findings import Finding, failed
from skipass.snowflake.setup_sql.text import literal, name

UNKNOWN = "unknown"
_UNNAMED: Mapping[str, str] = {
    "role": "<ROLE>",
    "user": "<USER>",
    "login": "<LOGIN_NAME>",
    "integration": "<INTEGRATION>",
    "warehouse": "<WAREHOUSE>",
    "server": "<DATABASE>.<SCHEMA>.<SERVER>",
    "connection": "<CONNECTION>",
}


@dataclass(frozen=True, slots=True)
class Symptom:
    """One thing that goes wrong: `sign` finds it in a code or a text; `fix` has the names in braces."""

    name: str
    sign: re.Pattern[str]
    cause: str
    fix: str


def _one(name: str, sign: str, cause: str, fix: str) -> Symptom:
    return Symptom(name, re.compile(sign, re.IGNORECASE), cause, fix)


_ALTER = "ALTER SECURITY INTEGRATION {integration} SET"

SYMPTOMS: tuple[Symptom, ...] = (
    _one("audience", r"EXTERNAL_OAUTH_(AUDIENCE_VALIDATION_FAILED|MISSING_AUDIENCE)",
         "The token's aud is neither the account's URL nor in the integration's list of audiences.",
         f"{_ALTER} EXTERNAL_OAUTH_AUDIENCE_LIST = ('<the token''s aud>');"),
    _one("issuer", r"EXTERNAL_OAUTH_(ACCESS_TOKEN_ISSUER_NOT_FOUND|MISSING_ISSUER)",
         "No integration has the token's iss, character by character, a slash at the end included.",
         f"{_ALTER} EXTERNAL_OAUTH_ISSUER = '<the token''s iss>';"),
    _one("integration_disabled", r"EXTERNAL_OAUTH_ACCESS_TOKEN_ISSUER_NOT_ENABLED",
         "The integration of this issuer is disabled.", f"{_ALTER} ENABLED = TRUE;"),
    _one("signing_key", r"EXTERNAL_OAUTH_(INVALID_SIGNATURE|JWS_CANT_RETRIEVE_PUBLIC_KEY)",
         "The integration has another public key than the one that signs, or cannot fetch the keys.",
         f"{_ALTER} EXTERNAL_OAUTH_RSA_PUBLIC_KEY = '…'; -- or EXTERNAL_OAUTH_JWS_KEYS_URL"),
    _one("user_claim", r"EXTERNAL_OAUTH_USER_CLAIM_MISSING",
         "The token lacks the claim that the integration maps users by.",
         f"{_ALTER} EXTERNAL_OAUTH_TOKEN_USER_MAPPING_CLAIM = '<a claim of the token>';"),
    _one("clock",
         r"EXTERNAL_OAUTH_ACCESS_TOKEN_NOT_YET_VALID|JWT_TOKEN_INVALID_\w+_TIME|\b39430[23]\b|clock is \d+ seconds",
         "The clock of whoever signed the token is off.", "Set this machine's clock by NTP."),
    _one("token_expired", r"\b390318\b|EXTERNAL_OAUTH_ACCESS_TOKEN_EXPIRED|token expired",
         "The access token's life has ended.", "Link the account again: skipass account link {connection}"),
    _one("trial_account", r"\b399504\b|trial account|No tool result received calling Cortex|Error parsing response",
         "A trial account lists its MCP tools and refuses to call them.", "Use an account that is not on trial."),
    _one("token_without_network_policy", r"\b390432\b|network policy is required",
         "Programmatic access tokens of a service user need a network policy, and there is none.",
         "ALTER USER {user} SET NETWORK_POLICY = <POLICY>;"),
    _one("network_policy", r"\b39042\d\b|is not allowed to access Snowflake|NetworkPolicyError",
         "A network policy of the account, the user or the integration refuses this machine's address.",
         "Add the gateway's address: ALTER NETWORK POLICY <POLICY> SET ALLOWED_IP_LIST = ('<address>', …);"),
    _one("accept_header", r"\b391902\b|Unsupported Accept header",
         "The Accept header does not admit JSON. The gateway always sends it: something on the way takes it off.",
         "Let the proxy in between pass Accept: application/json unchanged."),
    _one("wrong_host", r"host answered with status|answers as no account",
         "A well-formed host of no account answers, but not as an account does.",
         "Correct the account's name; Snowsight shows the URL under the account's details."),
    _one("user_mapping", r"\b390304\b|\b390309\b|\b394300\b|JWT_TOKEN_INVALID_USER",
         "The login in the token is no user's LOGIN_NAME (or EMAIL, as the integration maps), or several users'.",
         "ALTER USER {user} SET LOGIN_NAME = {login};"),
    _one("role_not_in_token", r"\b390317\b|not listed in the Access Token",
         "The token does not carry the role: its scope names another one, or any-role mode is off.",
         "Configure the scope session:role:{role_text} at the provider and in the connection."),
    _one("role", r"\b390186\b|\b390189\b|RoleNotAllowed",
         "The role does not exist, is not granted to the user, or the integration blocks it.",
         "GRANT ROLE {role} TO USER {user}; -- and take it off the integration's blocked roles"),
    _one("public_key", r"\b394304\b|\b394306\b|JWT_TOKEN_INVALID_(PUBLIC_KEY|SIGNATURE)",
         "Another public key is registered for the user than the one that belongs to the private key.",
         "ALTER USER {user} SET RSA_PUBLIC_KEY = '…'; -- skipass connection setup-sql prints it"),
    _one("account_in_token", r"\b394307\b|JWT_TOKEN_ACCOUNT_MISMATCH",
         "The account in the token is not the one of the host.",
         "Add the connection again with the account's name without region and cloud."),
    _one("key_pair", r"\b390144\b",
         "The key is not registered for this LOGIN_NAME, the account's name is wrong, or a clock is.",
         "DESCRIBE USER {user}; -- compare RSA_PUBLIC_KEY_FP, LOGIN_NAME"),
    _one("token_revoked", r"\b394400\b|PAT_INVALID", "The programmatic access token is revoked, expired or foreign.",
         "ALTER USER {user} ADD PROGRAMMATIC ACCESS TOKEN <NAME>; -- then add the connection with it"),
    _one("user_disabled", r"\b39010[01]\b|user access disabled", "The user is disabled or locked.",
         "ALTER USER {user} SET DISABLED = FALSE;"),
    _one("default_warehouse", r"no default warehouse|DEFAULT_WAREHOUSE",
         "A session of a managed MCP server starts in the user's default warehouse, and there is none.",
         "ALTER USER {user} SET DEFAULT_WAREHOUSE = {warehouse};"),
    _one("warehouse", r"\b000606\b|\b390201\b|NoWarehouseError",
         "No warehouse is named, or the role may not use it.",
         "GRANT USAGE ON WAREHOUSE {warehouse} TO ROLE {role};"),
    _one("dynamic_registration", r"dynamic client registration",
         "A client without an id of its own tries to register itself, and Snowflake refuses that.",
         "skipass connection client {connection} --client-id ID"),
    _one("scope_all", r"session:role:all\b",
         "The scope that the MCP server advertises was sent instead of a configured one.",
         "Set oauth_metadata.scope to session:role:{role_text}; what a server advertises never counts."),
    _one("scope_not_configured", r"scopes? (are|is) not configured|invalid_scope|requested scope is invalid|\b390308\b",
         "The scope is not defined at the authorization server, not in its access rule, or not grantable.",
         "Define the scope session:role:{role_text} there, put it into the access rule, and grant the role."),
    _one("redirect_uri", r"\b390307\b|redirect.{0,20}(mismatch|not known|is not)",
         "The authorization server does not know our callback address for this client.",
         "Register the callback address that skipass connection show {connection} prints."),
    _one("client_unknown", r"\b390306\b|client is unknown", "The authorization server does not know the client's id.",
         "skipass connection client {connection} --client-id ID"),
    _one("client_refused", r"InvalidClient|invalid_client",
         "The client's secret is another one now, the integration is disabled, or a network policy refuses us.",
         "SELECT SYSTEM$SHOW_OAUTH_CLIENT_SECRETS({integration_text}); "
         "-- then: skipass connection client {connection}"),
    _one("link_again", r"InvalidGrant|invalid_grant|\b390302\b|consent_required",
         "The authorisation was revoked or has run out.",
         "Link the account again: skipass account link {connection}"),
    _one("token_refused", r"\b390303\b|TokenRejected|Invalid OAuth access token",
         "The token's iss, aud, key or user does not fit the integration.",
         "Compare: DESCRIBE INTEGRATION {integration}; -- or name --admin-connection, and the reason is read"),
    _one("not_authorized", r"does not exist or (access is )?not authorized|\b00(2003|2043|3001)\b|ObjectNotFound",
         "It does not exist, or the role has no USAGE on it; Snowflake does not tell which.",
         "GRANT USAGE ON MCP SERVER {server} TO ROLE {role};"),
    _one("refused_in_200", r"-32603",
         "The MCP server refuses in the body of an answer with HTTP status 200.",
         "Read the error's message, not the status; then look at the token's iss, aud, user and role."),
    _one("host_underscore", r"\b[\w-]*_[\w-]*\.(?:[\w-]+\.)*snowflakecomputing\.(?:com|cn)",
         "A host with underscores: certificates, providers and MCP servers do not work with it.",
         "Write hyphens in the host."),
)  # fmt: skip


def recognise(*texts: str | None) -> Symptom | None:
    """Return the symptom of the first text that shows one, so give the most telling text first; None without one."""
    found = (one for text in texts if text for one in SYMPTOMS if one.sign.search(text))
    return next(found, None)


def named(symptom: str) -> Symptom:
    """Return a symptom by its name."""
    return next(one for one in SYMPTOMS if one.name == symptom)


def words(**known: str | None) -> Mapping[str, str]:
    """Return the names that go into a remedy, quoted as SQL wants them; a placeholder where one is not known."""
    given = {key: value for key, value in known.items() if value and value.isprintable()}
    sql = {key: name(value) for key, value in given.items() if key in ("role", "user", "integration", "warehouse")}
    sql |= {"login": literal(given["login"])} if "login" in given else {}
    texts = {f"{key}_text": given.get(key, _UNNAMED[key]) for key in ("role", "integration")}
    if "integration" in given:
        texts["integration_text"] = literal(given["integration"])
    return {**_UNNAMED, **given, **sql, **texts}


def diagnosed(step: str, symptom: Symptom, seen: str, known: Mapping[str, str]) -> Finding:
    """Return the finding that a step failed with this symptom."""
    return failed(step, symptom.name, seen, symptom.cause, symptom.fix.format_map(known))


def refused(step: str, known: Mapping[str, str], message: str, *signs: str | None) -> Finding:
    """Return the finding of a refusal, recognised by its message and by further signs such as its code."""
    symptom = recognise(*signs, message)
    if symptom is None:
        return failed(step, UNKNOWN, message, "This refusal is not one that is known here.", "")
    return diagnosed(step, symptom, message, known)
