"""One error vocabulary for the whole of skipass.

A decision is a value (see `skipass.nouns`); a failure is a `SkipassError`. Its `code` is stable and
is all that a program should look at; `message` says what was wrong and `hint` what to do about it.
Surfaces map a code to their own form (HTTP status, JSON-RPC error, exit status) through `KINDS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any


class Kind(StrEnum):
    """What sort of failure a code is; surfaces have one row for each."""

    INVALID = "invalid"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    TOO_LARGE = "too_large"
    REFUSED = "refused"
    UNAVAILABLE = "unavailable"
    UPSTREAM = "upstream"
    INTERNAL = "internal"


_CODES: dict[str, tuple[Kind, str]] = {
    # what the caller sent
    "invalid_request": (Kind.INVALID, "The request is malformed or a field has a wrong value."),
    "unknown_field": (Kind.INVALID, "The request carries a field that does not exist."),
    "missing_field": (Kind.INVALID, "A required field is missing."),
    "unknown_tool": (Kind.NOT_FOUND, "No tool of that name exists."),
    "invalid_scope": (Kind.INVALID, "The scope is not of the documented shape."),
    "invalid_policy": (Kind.INVALID, "The policy has faults; nothing of it was applied."),
    "invalid_bindings": (Kind.INVALID, "The bindings are not of the documented shape."),
    "request_too_large": (Kind.TOO_LARGE, "The request is larger than the gateway reads."),
    "statement_too_large": (Kind.TOO_LARGE, "The statement is larger than the guard reads."),
    "invalid_request_state": (Kind.INVALID, "The requestState is not that of this very call, or its time is over."),
    "conflict": (Kind.CONFLICT, "The thing changed or was decided meanwhile, or the name is taken."),
    "idempotency_conflict": (Kind.CONFLICT, "The same key or request id was used before for something else."),
    # who asks
    "unauthenticated": (Kind.UNAUTHENTICATED, "No credential, or one that the gateway does not accept."),
    "forbidden": (Kind.FORBIDDEN, "The caller's role does not allow this."),
    "insufficient_scope": (Kind.FORBIDDEN, "The MCP client's token does not reach that far; its person has to agree."),
    "not_your_user": (Kind.FORBIDDEN, "The agent may not act for that user."),
    "identifier_required": (Kind.INVALID, "The agent acts for several users; the call must name one."),
    "not_eligible": (Kind.FORBIDDEN, "This person may not decide this approval."),
    "host_not_allowed": (Kind.FORBIDDEN, "The Host or Origin header is not one the gateway answers to."),
    # what is not there
    "not_found": (Kind.NOT_FOUND, "No such thing, or not for this caller."),
    "unknown_connection": (Kind.NOT_FOUND, "No enabled connection of that name for this caller."),
    # what a session allows
    "session_required": (Kind.REFUSED, "No open session covers this; the answer carries the request that would."),
    "session_ambiguous": (Kind.CONFLICT, "Several open sessions fit; name one."),
    "connection_required": (Kind.CONFLICT, "Several connections fit; name one."),
    "consent_required": (Kind.REFUSED, "The user has not connected this Snowflake account (for this role)."),
    "consent_declined": (Kind.REFUSED, "The user was asked to connect their Snowflake account, and said no."),
    "registration_required": (Kind.REFUSED, "Nobody has registered this Snowflake account for the connection."),
    "provider_unavailable": (Kind.UNAVAILABLE, "The identity provider did not answer, or not as one."),
    "sign_in_failed": (Kind.UPSTREAM, "The sign-in at Snowflake or the identity provider brought nothing usable."),
    "login_changed": (Kind.REFUSED, "The sign-in is of another Snowflake login; an admin has to accept it."),
    "approval_required": (Kind.REFUSED, "A person has to decide first."),
    "approval_denied": (Kind.REFUSED, "A person decided against it."),
    "no_approver": (Kind.REFUSED, "Nobody eligible could decide, so nothing was held."),
    "out_of_scope": (Kind.REFUSED, "The statement touches something outside the session's scope."),
    "tool_drifted": (Kind.REFUSED, "The upstream tool is not pinned, or not as it was pinned; an admin looks."),
    "not_allowed": (Kind.REFUSED, "This kind of statement is refused in every session."),
    "denied_by_policy": (Kind.REFUSED, "A rule of the policy denies it."),
    "unparseable": (Kind.REFUSED, "The statement could not be understood, so it is refused."),
    "multi_statement": (Kind.REFUSED, "More than one statement in one call."),
    "budget_exceeded": (Kind.REFUSED, "A budget of the session is used up."),
    "expired": (Kind.REFUSED, "The session has ended."),
    "lapsed": (Kind.REFUSED, "Nobody decided in time."),
    "withdrawn": (Kind.REFUSED, "The request was withdrawn."),
    "warehouse_required": (Kind.REFUSED, "No warehouse in the call, the session or the connection."),
    "result_expired": (Kind.REFUSED, "The result is no longer available."),
    # Snowflake
    "statement_failed": (Kind.UPSTREAM, "Snowflake refused or failed the statement."),
    "statement_cancelled": (Kind.UPSTREAM, "The statement was cancelled."),
    "statement_unknown": (Kind.UPSTREAM, "Whether the statement ran is not known yet; it is being looked up."),
    "not_sent": (Kind.UNAVAILABLE, "The statement was admitted but never left the gateway."),
    "snowflake_unavailable": (Kind.UNAVAILABLE, "Snowflake did not answer in time or answered with a server error."),
    "snowflake_rejected_credential": (Kind.UPSTREAM, "Snowflake refused the connection's credential."),
    "snowflake_denied": (Kind.FORBIDDEN, "Snowflake does not let the role use the MCP server, or what its tool uses."),
    "snowflake_misconfigured": (Kind.UPSTREAM, "Snowflake refused the role, warehouse, host or network address."),
    # the gateway itself
    "not_recorded": (Kind.UNAVAILABLE, "The record could not be written, so nothing was run."),
    "stale_decision": (Kind.UNAVAILABLE, "What the decision was made under kept changing."),
    "vault_key": (Kind.UNAVAILABLE, "The vault's key is missing, unreadable by its owner alone, or the wrong one."),
    "chain_broken": (Kind.INTERNAL, "The event chain does not verify."),
    "not_initialised": (Kind.UNAVAILABLE, "There is no gateway here yet."),
    "database_unavailable": (Kind.UNAVAILABLE, "The database cannot be reached, or is not one that skipass can use."),
    "already_initialised": (Kind.CONFLICT, "There is a gateway here already."),
    "gateway_running": (Kind.CONFLICT, "Another process holds this gateway's data."),
    "extra_required": (Kind.INVALID, "The command needs an optional part of the installation."),
    "gateway_unreachable": (Kind.UNAVAILABLE, "The gateway did not answer at this address."),
    "sign_in_required": (Kind.UNAUTHENTICATED, "This needs a signed-in person."),
    "link_used": (Kind.UNAUTHENTICATED, "The one-time link is used, replaced or too old."),
    "links_stopped": (Kind.FORBIDDEN, "One-time links stopped when an identity provider was connected."),
    "internal_error": (Kind.INTERNAL, "Something in the gateway failed; the request id finds it in the log."),
}

KINDS: Mapping[str, Kind] = MappingProxyType({code: kind for code, (kind, _) in _CODES.items()})
MEANINGS: Mapping[str, str] = MappingProxyType({code: meaning for code, (_, meaning) in _CODES.items()})


class SkipassError(Exception):
    """A failure with a stable `code` from `MEANINGS`.

    `message` says what was wrong, `hint` what to do; neither ever holds a credential. `retryable` is true when
    the very same request can succeed later. `details` is a JSON object for programs.
    """

    def __init__(
        self,
        code: str,
        message: str | None = None,
        hint: str = "",
        *,
        retryable: bool = False,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        if code not in _CODES:
            raise ValueError(f"unknown error code {code!r}")
        self.code = code
        self.message = message or MEANINGS[code]
        self.hint = hint
        self.retryable = retryable
        self.details = dict(details or {})
        super().__init__(f"{code}: {self.message}")

    @property
    def kind(self) -> Kind:
        """The row that a surface maps this failure by."""
        return KINDS[self.code]

    def as_dict(self) -> dict[str, Any]:
        """The JSON form of every surface: code, message, hint, retryable, details."""
        return {
            "code": self.code,
            "message": self.message,
            "hint": self.hint,
            "retryable": self.retryable,
            "details": self.details,
        }
