"""A class for each error code, with the code's own meaning. `skipass.errors` is where codes are decided."""

from __future__ import annotations

from skipass.sdk.errors import (
    Conflicting,
    InternalFailure,
    InvalidCall,
    NotPermitted,
    NotSignedIn,
    NotThere,
    Refused,
    TooLarge,
    Unavailable,
    UpstreamFailed,
)


class InvalidRequest(InvalidCall, code="invalid_request"):
    """The request is malformed or a field has a wrong value."""


class UnknownField(InvalidCall, code="unknown_field"):
    """The request carries a field that does not exist."""


class MissingField(InvalidCall, code="missing_field"):
    """A required field is missing."""


class UnknownTool(NotThere, code="unknown_tool"):
    """No tool of that name exists."""


class InvalidScope(InvalidCall, code="invalid_scope"):
    """The scope is not of the documented shape."""


class InvalidPolicy(InvalidCall, code="invalid_policy"):
    """The policy has faults; nothing of it was applied."""


class InvalidBindings(InvalidCall, code="invalid_bindings"):
    """The bindings are not of the documented shape."""


class RequestTooLarge(TooLarge, code="request_too_large"):
    """The request is larger than the gateway reads."""


class StatementTooLarge(TooLarge, code="statement_too_large"):
    """The statement is larger than the guard reads."""


class InvalidRequestState(InvalidCall, code="invalid_request_state"):
    """The requestState is not that of this very call, or its time is over."""


class Conflict(Conflicting, code="conflict"):
    """The thing changed or was decided meanwhile, or the name is taken."""


class IdempotencyConflict(Conflicting, code="idempotency_conflict"):
    """The same key or request id was used before for something else."""


class Unauthenticated(NotSignedIn, code="unauthenticated"):
    """No credential, or one that the gateway does not accept."""


class Forbidden(NotPermitted, code="forbidden"):
    """The caller's role does not allow this."""


class InsufficientScope(NotPermitted, code="insufficient_scope"):
    """The MCP client's token does not reach that far; its person has to agree."""


class NotYourUser(NotPermitted, code="not_your_user"):
    """The agent may not act for that user."""


class IdentifierRequired(InvalidCall, code="identifier_required"):
    """The agent acts for several users; the call must name one."""


class NotEligible(NotPermitted, code="not_eligible"):
    """This person may not decide this approval."""


class HostNotAllowed(NotPermitted, code="host_not_allowed"):
    """The Host or Origin header is not one the gateway answers to."""


class NotFound(NotThere, code="not_found"):
    """No such thing, or not for this caller."""


class UnknownConnection(NotThere, code="unknown_connection"):
    """No enabled connection of that name for this caller."""


class SessionRequired(Refused, code="session_required"):
    """No open session covers this; the answer carries the request that would."""


class SessionAmbiguous(Conflicting, code="session_ambiguous"):
    """Several open sessions fit; name one."""


class ConnectionRequired(Conflicting, code="connection_required"):
    """Several connections fit; name one."""


class ConsentRequired(Refused, code="consent_required"):
    """The user has not connected this Snowflake account (for this role)."""


class ConsentDeclined(Refused, code="consent_declined"):
    """The user was asked to connect their Snowflake account, and said no."""


class RegistrationRequired(Refused, code="registration_required"):
    """Nobody has registered this Snowflake account for the connection."""


class ProviderUnavailable(Unavailable, code="provider_unavailable"):
    """The identity provider did not answer, or not as one."""


class SignInFailed(UpstreamFailed, code="sign_in_failed"):
    """The sign-in at Snowflake or the identity provider brought nothing usable."""


class LoginChanged(Refused, code="login_changed"):
    """The sign-in is of another Snowflake login; an admin has to accept it."""


class ApprovalRequired(Refused, code="approval_required"):
    """A person has to decide first."""


class ApprovalDenied(Refused, code="approval_denied"):
    """A person decided against it."""


class NoApprover(Refused, code="no_approver"):
    """Nobody eligible could decide, so nothing was held."""


class OutOfScope(Refused, code="out_of_scope"):
    """The statement touches something outside the session's scope."""


class ToolDrifted(Refused, code="tool_drifted"):
    """The upstream tool is not pinned, or not as it was pinned; an admin looks."""


class NotAllowed(Refused, code="not_allowed"):
    """This kind of statement is refused in every session."""


class DeniedByPolicy(Refused, code="denied_by_policy"):
    """A rule of the policy denies it."""


class Unparseable(Refused, code="unparseable"):
    """The statement could not be understood, so it is refused."""


class MultiStatement(Refused, code="multi_statement"):
    """More than one statement in one call."""


class BudgetExceeded(Refused, code="budget_exceeded"):
    """A budget of the session is used up."""


class Expired(Refused, code="expired"):
    """The session has ended."""


class Lapsed(Refused, code="lapsed"):
    """Nobody decided in time."""


class Withdrawn(Refused, code="withdrawn"):
    """The request was withdrawn."""


class WarehouseRequired(Refused, code="warehouse_required"):
    """No warehouse in the call, the session or the connection."""


class ResultExpired(Refused, code="result_expired"):
    """The result is no longer available."""


class StatementFailed(UpstreamFailed, code="statement_failed"):
    """Snowflake refused or failed the statement."""


class StatementCancelled(UpstreamFailed, code="statement_cancelled"):
    """The statement was cancelled."""


class StatementUnknown(UpstreamFailed, code="statement_unknown"):
    """Whether the statement ran is not known yet; it is being looked up."""


class NotSent(Unavailable, code="not_sent"):
    """The statement was admitted but never left the gateway."""


class SnowflakeUnavailable(Unavailable, code="snowflake_unavailable"):
    """Snowflake did not answer in time or answered with a server error."""


class SnowflakeRejectedCredential(UpstreamFailed, code="snowflake_rejected_credential"):
    """Snowflake refused the connection's credential."""


class SnowflakeDenied(NotPermitted, code="snowflake_denied"):
    """Snowflake does not let the role use the MCP server, or what its tool uses."""


class SnowflakeMisconfigured(UpstreamFailed, code="snowflake_misconfigured"):
    """Snowflake refused the role, warehouse, host or network address."""


class NotRecorded(Unavailable, code="not_recorded"):
    """The record could not be written, so nothing was run."""


class StaleDecision(Unavailable, code="stale_decision"):
    """What the decision was made under kept changing."""


class VaultKey(Unavailable, code="vault_key"):
    """The vault's key is missing, unreadable by its owner alone, or the wrong one."""


class ChainBroken(InternalFailure, code="chain_broken"):
    """The event chain does not verify."""


class NotInitialised(Unavailable, code="not_initialised"):
    """There is no gateway here yet."""


class DatabaseUnavailable(Unavailable, code="database_unavailable"):
    """The database cannot be reached, or is not one that skipass can use."""


class AlreadyInitialised(Conflicting, code="already_initialised"):
    """There is a gateway here already."""


class GatewayRunning(Conflicting, code="gateway_running"):
    """Another process holds this gateway's data."""


class ExtraRequired(InvalidCall, code="extra_required"):
    """The command needs an optional part of the installation."""


class GatewayUnreachable(Unavailable, code="gateway_unreachable"):
    """The gateway did not answer at this address."""


class SignInRequired(NotSignedIn, code="sign_in_required"):
    """This needs a signed-in person."""


class LinkUsed(NotSignedIn, code="link_used"):
    """The one-time link is used, replaced or too old."""


class LinksStopped(NotPermitted, code="links_stopped"):
    """One-time links stopped when an identity provider was connected."""


class InternalError(InternalFailure, code="internal_error"):
    """Something in the gateway failed; the request id finds it in the log."""
