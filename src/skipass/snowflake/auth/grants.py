"""What the token endpoint answers: tokens, or one of a few refusals.

Pure. The member `error` decides, never the status: Snowflake sends the same refusal with 400 and 401.
Source: https://docs.snowflake.com/en/user-guide/oauth-custom ; RFC 6749 §5
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from skipass.secret import Secret
from skipass.snowflake.errors import ProtocolError, SnowflakeAuthError, SnowflakeError, SnowflakeUnavailable
from skipass.snowflake.sqlapi.failures import Answer, json_body

_EARLY = timedelta(seconds=60)
_ASSUMED = timedelta(minutes=5)
"""The life of an access token whose answer does not tell, as it may. Source: RFC 6749 §5.1"""
_LONGEST_S = 10 * 365 * 86_400


class OAuthError(SnowflakeAuthError):
    """The token endpoint refused; `error` is the code of RFC 6749 §5.2."""

    error = ""


class OAuthDenied(OAuthError):
    """The person, or the account, refused the authorisation."""


class InvalidGrant(OAuthError):
    """The code or refresh token is used, unknown, expired or revoked: the person has to connect again."""


class InvalidClient(OAuthError):
    """The client was not accepted: a wrong secret, or a network policy. The refresh token may be as good as before."""


@dataclass(frozen=True, slots=True)
class Grant:
    """Tokens of one answer. Without a `refresh_token` the one before stays good."""

    access_token: Secret[str]
    expires_in: timedelta
    refresh_token: Secret[str] | None = None
    refresh_token_expires_in: timedelta | None = None
    scope: str | None = None
    username: str | None = None

    def refresh_at(self, received_at: datetime) -> datetime:
        """Return when to ask for the next access token: a minute before this one ends."""
        return received_at + self.expires_in - _EARLY


def read_grant(answer: Answer) -> Grant:
    """Return the tokens of an answer, or raise what it says.

    An answer that is not JSON, or a server error, is `SnowflakeUnavailable` and says nothing of the refresh token.
    """
    body = json_body(answer)
    if body is None or answer.status >= 500:
        text = f"The token endpoint answered with status {answer.status}."
        raise SnowflakeUnavailable(text, sent=True, http_status=answer.status)
    if error := body.get("error"):
        raise _refusal(str(error), str(body.get("error_description") or body.get("message") or error), answer.status)
    access = body.get("access_token")
    if not isinstance(access, str) or not access:
        raise ProtocolError("The token endpoint's answer holds no token.", http_status=answer.status)
    refresh = body.get("refresh_token")
    return Grant(
        Secret(access),
        _seconds(body.get("expires_in")) or _ASSUMED,
        Secret(refresh) if isinstance(refresh, str) and refresh else None,
        _seconds(body.get("refresh_token_expires_in")),
        _text(body.get("scope")),
        _text(body.get("username")),
    )


def _seconds(value: object) -> timedelta | None:
    """Return a life, ten years at most; some identity providers write the number as text."""
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value[:10])
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        return None
    return timedelta(seconds=min(value, _LONGEST_S))


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _refusal(error: str, text: str, status: int) -> SnowflakeError:
    kind, hint = _REFUSALS.get(error, (OAuthError, "Check the security integration and what was asked of it."))
    problem = kind(text, http_status=status, hint=hint)
    problem.error = error
    return problem


_REFUSALS: dict[str, tuple[type[OAuthError], str]] = {
    "invalid_grant": (InvalidGrant, "Connect the account again."),
    "invalid_client": (
        InvalidClient,
        "Check the client's id and secret, and whether a network policy of the integration refuses this address.",
    ),
    "access_denied": (OAuthDenied, "The person or the account refused."),
}
