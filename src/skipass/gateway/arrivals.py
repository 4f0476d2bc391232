"""What a sign-in's answer amounts to: less than was asked for, a refusal in words, or enough. Pure.

Source: RFC 6749 §4.1.2.1, §5.1, §5.2
"""

from __future__ import annotations

from collections.abc import Mapping

from skipass.errors import SkipassError
from skipass.gateway.oauth_metadata import dropped, is_any_role, role_in, scope_for
from skipass.nouns.account import Registration
from skipass.nouns.connection import AuthMethod, Connection
from skipass.snowflake.auth.grants import Grant, InvalidClient, InvalidGrant, OAuthDenied
from skipass.snowflake.auth.oauth import scope_of
from skipass.snowflake.errors import SnowflakeError

AGAIN = "Start again from a new link."
_FOR_REFRESHING = ("offline_access", "refresh_token")


def held_to(
    connection: Connection, registration: Registration, role: str, grant: Grant
) -> tuple[tuple[str, ...], str | None]:
    """Return remarks on what was granted and the role it is bound to; raises `sign_in_failed` for less than needed."""
    scope = str(registration.metadata.get("scope", ""))
    external = connection.auth_method is AuthMethod.EXTERNAL_OAUTH
    asked = scope_for(scope, role) if external else scope_of(role)
    lost = dropped(asked, grant.scope)
    if any("session:" in one.lower() for one in lost):
        hint = "The server knows the scope but its rules do not give it to this user: see its access policy."
        raise failed(f"The scope for {role} was asked for and not granted.", hint)
    if grant.refresh_token is None and (not external or "offline_access" in asked.split()):
        hint = "ALTER SECURITY INTEGRATION … SET OAUTH_ISSUE_REFRESH_TOKENS = TRUE;"
        raise failed("The answer brings no refresh token.", "See the provider's access policy." if external else hint)
    if grant.refresh_token is not None:  # it is here, whatever the answer's list of scopes leaves out
        lost = tuple(one for one in lost if one not in _FOR_REFRESHING)
    remarks = [f"Not granted: {', '.join(lost)}."] if lost else []
    if grant.refresh_token is None:
        remarks.append(
            "There is no refresh token, so this lasts as long as the token: add offline_access to the scope."
        )
    return tuple(remarks), None if external and is_any_role(scope) and role_in(scope) is None else role


def denied(query: Mapping[str, str]) -> SkipassError:
    error, text = query["error"][:100], query.get("error_description", "")[:300]
    if error == "access_denied":
        return failed(f"The request was refused: {text or error}", "Nothing was stored. Open a new link to agree.")
    hint = "The server refused what was asked: see the scope, the client and the redirect URI registered there."
    return failed(f"{error}: {text}" if text else error, hint)


def exchange_failed(error: SnowflakeError) -> SkipassError:
    if isinstance(error, InvalidClient):
        return failed(f"The gateway's client was refused: {error.message}", error.hint)
    if isinstance(error, InvalidGrant | OAuthDenied):
        return failed(f"The code was refused: {error.message}", AGAIN)
    return failed(f"No tokens came for the code: {error.message}", f"{error.hint} {AGAIN}".strip())


def failed(message: str, hint: str) -> SkipassError:
    return SkipassError("sign_in_failed", message, hint)
