"""Our client at the authorization server: its id, its scope, its secret, and what the server knows of it."""

from __future__ import annotations

import secrets
from urllib.parse import parse_qs, urlsplit

from skipass.errors import SkipassError
from skipass.gateway.client_drafting import redirect_uri
from skipass.gateway.clients import Clients, token_url
from skipass.gateway.discovery import discover, send
from skipass.gateway.doctor import symptoms
from skipass.gateway.doctor.findings import Check, Finding, failed, ok, unseen
from skipass.gateway.doctor.patient import OAUTH, Patient
from skipass.gateway.oauth_metadata import is_any_role, role_in, scope_for
from skipass.nouns.account import Registration
from skipass.nouns.connection import AuthMethod
from skipass.secret import Secret
from skipass.snowflake.account import target_of
from skipass.snowflake.auth import oauth
from skipass.snowflake.auth.grants import InvalidClient, OAuthError
from skipass.snowflake.errors import SnowflakeError
from skipass.snowflake.sqlapi.wire import Call

WAIT_S = 10.0


async def registered(on: Patient) -> Finding | None:
    """Look whether there is a client at all: without one, others would try to register themselves."""
    if on.connection.auth_method not in OAUTH:
        return None
    if on.registration is None:
        return failed("client", "no_client", "no client is registered", "Nothing can sign in without a client.",
                      f"skipass connection setup-sql {on.connection.name}")  # fmt: skip
    if not on.registration.client_id:
        return on.has("client", "dynamic_registration", "the registration has no client id")
    return ok("client", on.registration.client_id)


async def scope(on: Patient) -> Finding | None:
    """Look at the scope that goes out."""
    if on.registration is None or on.connection.auth_method not in OAUTH:
        return None
    sent, configured = _scope(on, on.registration), str(on.registration.metadata.get("scope", ""))
    named = (role_in(sent) or "").upper()
    if (role_in(configured) or "").upper() == "ALL":
        return on.has("scope", "scope_all", f"configured is {configured}")
    if not named and not is_any_role(sent) and "session:role-encoded:" not in sent:
        cause = "The scope names no role, so the token carries none and no session opens."
        return failed("scope", "scope_without_role", sent, cause, f"Configure the scope session:role:{on.role}")
    return ok("scope", sent)


def _scope(on: Patient, registration: Registration) -> str:
    if on.connection.auth_method is AuthMethod.SNOWFLAKE_OAUTH:
        return oauth.scope_of(on.role)
    return scope_for(str(registration.metadata.get("scope", "")), on.role)


async def token_endpoint(on: Patient) -> Finding | None:
    """Send a code that was never given: who knows the client refuses the code, who does not refuses the client."""
    if on.registration is None or on.connection.auth_method not in OAUTH:
        return None
    url = token_url(on.registration)
    made_up = Secret(secrets.token_urlsafe(32))
    back = redirect_uri(on.deps.base_url, on.registration)
    try:
        await Clients(on.deps).exchange(on.registration, made_up, verifier=made_up, redirect_uri=back)
    except InvalidClient as error:
        return symptoms.refused("token endpoint", on.known, f"{url}: {error.message}", "InvalidClient")
    except OAuthError as error:
        return ok("token endpoint", f"{url} knows the client ({error.error})")
    except SnowflakeError as error:
        cause = "What answers there is no token endpoint, or nothing answers."
        fix = "Correct token_endpoint in oauth_metadata, or the account's host."
        return failed("token endpoint", "token_endpoint", f"{url}: {error.message}", cause, fix)
    return unseen("token endpoint", f"{url} took a code that nobody gave")


async def discovery(on: Patient) -> Finding | None:
    """Read what the issuer says of itself, and hold the endpoints that are used to it."""
    if on.registration is None or on.connection.auth_method is not AuthMethod.EXTERNAL_OAUTH:
        return None
    issuer = str(on.registration.metadata.get("issuer") or "")
    if not issuer:
        return unseen("discovery", "no issuer is configured", "Set oauth_metadata.issuer.")
    try:
        found = await discover(on.deps.upstream.egress, issuer)
    except SkipassError as error:
        return failed("discovery", "discovery", error.message, "The issuer is not the one its metadata names.",
                      "Correct oauth_metadata.issuer, character by character.")  # fmt: skip
    used = on.registration.metadata
    other = [key for key, url in found.items() if used.get(key) not in (None, url)]
    if other:
        seen = ", ".join(f"{key} is {used[key]} here, {found[key]} there" for key in other)
        return failed("discovery", "endpoints", seen, "The endpoints are of another server than the issuer.",
                      "Take over the issuer's endpoints in oauth_metadata.")  # fmt: skip
    return ok("discovery", f"{issuer} names the endpoints that are used")


async def authorize(on: Patient) -> Finding | None:
    """Ask for a sign-in that shows nobody a page: the refusal tells what the server thinks of scope and address."""
    if on.registration is None or on.connection.auth_method not in OAUTH:
        return None
    url = _authorization_endpoint(on, on.registration)
    parts = urlsplit(url)
    call = Call("GET", parts.path, query=_question(on, on.registration))
    try:
        answer = await send(on.deps.upstream.egress, f"{parts.scheme}://{parts.netloc}", call, WAIT_S)
    except SnowflakeError as error:
        return failed("authorize", "authorization_endpoint", f"{url}: {error.message}", "Nothing answers there.",
                      "Correct authorization_endpoint in oauth_metadata, or the account's host.")  # fmt: skip
    back = parse_qs(urlsplit(answer.headers.get("location", "")).query)
    said = " ".join(back.get("error", []) + back.get("error_description", []))
    if said.startswith(("login_required", "interaction_required", "consent_required", "account_selection_required")):
        return ok("authorize", "client, address and scope are taken; a person would sign in now")
    told = said or (answer.body[:20_000].decode("utf-8", "replace") if answer.status >= 400 else "")
    symptom = symptoms.recognise(told)
    if symptom is not None:
        return symptoms.diagnosed("authorize", symptom, said or f"status {answer.status}", on.known)
    if answer.status == 200:
        return ok("authorize", "client and address are taken; the sign-in page came")
    return unseen("authorize", said or f"status {answer.status}, without a reason that is known")


def _authorization_endpoint(on: Patient, registration: Registration) -> str:
    named = registration.metadata.get("authorization_endpoint")
    return str(named) if named else f"{target_of(None, registration.host).base_url}{oauth.AUTHORIZE_PATH}"


def _question(on: Patient, registration: Registration) -> dict[str, str]:
    whole = oauth.authorization_url(
        "https://x",
        client_id=registration.client_id,
        redirect_uri=redirect_uri(on.deps.base_url, registration),
        scope=_scope(on, registration),
        state=secrets.token_urlsafe(16),
        challenge=oauth.Proof().challenge,
    )
    asked = {key: values[0] for key, values in parse_qs(urlsplit(whole).query).items()}
    silent = {"prompt": "none"} if on.connection.auth_method is AuthMethod.EXTERNAL_OAUTH else {}
    return asked | silent


CHECKS = (Check("client", (), registered), Check("scope", ("client",), scope))
ASKING = (
    Check("discovery", ("client",), discovery),
    Check("authorize", ("client", "scope", "discovery", "integration"), authorize),
    Check("token endpoint", ("client", "account", "integration"), token_endpoint),
)
"""What is asked of the authorization server: after the integration, which tells more exactly what is wrong."""
