"""Every way in which Snowflake, or the way to it, can fail: one tree of exceptions.

Knows no HTTP and no gateway; `sqlapi.failures` decides which class an answer becomes. No message or hint here ever
holds a credential. `outcome_unknown` answers what matters after a failed submit: may the statement have run?
"""

from __future__ import annotations


class SnowflakeError(Exception):
    """A failure of a request to Snowflake, with what Snowflake said about it.

    `code` is Snowflake's six-digit text, `sql_state` the five-character SQLSTATE, both None where Snowflake gave none.
    `statement_handle` and `request_id` name the statement, `http_status` the answer. `hint` says what usually fixes it.
    `retryable` is true when the very same request can succeed later.
    """

    outcome_unknown = False
    retryable_by_default = False

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        sql_state: str | None = None,
        statement_handle: str | None = None,
        request_id: str | None = None,
        http_status: int | None = None,
        hint: str = "",
        retryable: bool | None = None,
    ) -> None:
        self.message = message
        self.code = code
        self.sql_state = sql_state
        self.statement_handle = statement_handle
        self.request_id = request_id
        self.http_status = http_status
        self.hint = hint
        self.retryable = self.retryable_by_default if retryable is None else retryable
        super().__init__(message)

    def __str__(self) -> str:
        """Return code, message and hint in one line each."""
        head = f"{self.code}: {self.message}" if self.code else self.message
        return f"{head}\n{self.hint}" if self.hint else head


class SnowflakeConfigError(SnowflakeError):
    """What was configured or passed cannot work: account, host, key, passphrase, parameter, bind. Never retried."""


class InvalidBinding(SnowflakeConfigError):
    """A value that cannot be bound to a placeholder; nothing was sent."""


class RoleNotAllowed(SnowflakeConfigError):
    """The role (or the warehouse, database or schema named with it) is not one this login may use."""


class NetworkPolicyError(SnowflakeError):
    """A network policy of the account, the user or the integration refused the address, or is missing."""


class SnowflakeAuthError(SnowflakeError):
    """Snowflake did not accept the credential.

    `login_failure_id` is what `SYSTEM$GET_LOGIN_FAILURE_DETAILS` takes, where the answer carried one; it is opaque.
    """

    login_failure_id: str | None = None


class TokenExpired(SnowflakeAuthError):
    """The token is past its life; a fresh one may be accepted."""


class TokenRejected(SnowflakeAuthError):
    """The token is not accepted for another reason than its age."""


class StatementError(SnowflakeError):
    """Snowflake refused or failed the statement."""


class CompileError(StatementError):
    """The statement does not compile; nothing of it ran. The message carries line and position."""


class NoWarehouseError(StatementError):
    """The statement needs a warehouse and none is active."""


class ObjectNotFoundError(StatementError):
    """An object does not exist or may not be used; Snowflake does not tell which, on purpose."""


class StatementCancelled(SnowflakeError):
    """The statement was cancelled, by whomever."""


class StatementTimedOut(SnowflakeError):
    """The statement reached its time limit and was cancelled."""


class StatementNotFound(SnowflakeError):
    """The handle is unknown, or its result is no longer kept (24 hours)."""


class IncompleteResultError(SnowflakeError):
    """Fewer or more rows arrived than Snowflake announced; none of them are handed on."""


class OutOfRangeError(SnowflakeError):
    """A value that Snowflake sent does not fit the Arrow type its column gets; nothing was rounded or wrapped."""


class McpError(SnowflakeError):
    """A managed MCP server refused a request; `rpc_code` is the code of its JSON-RPC error, None where it gave none."""

    rpc_code: int | None = None


class McpToolError(McpError):
    """A tool of a managed MCP server failed; the message is the tool's own."""


class Throttled(SnowflakeError):
    """Too many requests. `retry_after_s` is the pause that Snowflake asked for, None where it named none."""

    retryable_by_default = True
    retry_after_s: float | None = None


class SnowflakeUnavailable(SnowflakeError):
    """No usable answer came: no connection, a time-out, a cut body, or a server error.

    `sent` is False only when it is certain that no byte of the request left, so that nothing can have run.
    """

    retryable_by_default = True

    def __init__(self, message: str, *, sent: bool, http_status: int | None = None, hint: str = "") -> None:
        super().__init__(message, http_status=http_status, hint=hint)
        self.sent = sent
        self.outcome_unknown = sent


class ProtocolError(SnowflakeError):
    """The answer is not one that the documented protocol knows; what became of the statement is unknown."""

    outcome_unknown = True
