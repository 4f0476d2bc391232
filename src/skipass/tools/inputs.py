"""The input of every tool, as frozen models that refuse unknown members and never coerce a type.

Source: the statement members follow Snowflake's SQL API,
https://docs.snowflake.com/en/developer-guide/sql-api/reference (body of a submit request).
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from skipass.tools.fields import (
    AsText,
    Bindings,
    Handle,
    Name,
    RequestId,
    Role,
    ScopeValue,
    SessionId,
    Text,
    Warehouse,
)

_MAX_SECONDS = 604_800
_MAX_COUNT = 2**53 - 1


class ToolInput(BaseModel):
    """What every input has in common: frozen, exact types, no unknown members."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class InSession(ToolInput):
    """What every lookup takes beside its own members, which come before these wherever members are shown."""

    role: Role = None
    warehouse: Warehouse = None
    session_id: SessionId = None
    format: AsText = None


def members_of(model: type[BaseModel]) -> list[str]:
    """Return the members of a model by the names callers use, its own before those it inherits."""
    own = model.__annotations__
    fields = sorted(model.model_fields.items(), key=lambda field: field[0] not in own)
    return [field.alias or name for name, field in fields]


class ExecuteQuery(ToolInput):
    """Input of `snowflake_execute_query`."""

    statement: Text = Field(
        description="One SQL statement; several in one text are refused. Use ? for bind values.",
        examples=["SELECT order_id, status FROM ops.orders WHERE status = ? LIMIT 50"],
    )
    session_id: SessionId = None
    async_: bool = Field(
        default=False,
        alias="async",
        description="true: answer at once with a statement handle. false: wait up to 25 seconds for the result.",
    )
    bindings: Bindings | None = Field(
        default=None,
        description='Bind values by position, such as {"1": {"type": "TEXT", "value": "open"}}. Values are strings.',
        examples=[{"1": {"type": "FIXED", "value": "42"}}],
    )
    database: Name | None = Field(
        default=None, description="Current database for unqualified names.", examples=["OPS_DB"]
    )
    schema_: Name | None = Field(
        default=None, alias="schema", description="Current schema for unqualified names.", examples=["OPS"]
    )
    warehouse: Warehouse = None
    role: Role = None
    nullable: bool = Field(default=True, description='true: SQL NULL is JSON null. false: it is the text "null".')
    parameters: dict[str, str | int | bool] | None = Field(
        default=None,
        max_length=50,
        description="Statement parameters such as timezone or date_output_format.",
        examples=[{"timezone": "UTC"}],
    )
    request_id: RequestId = None
    retry: bool = Field(default=False, description="true when this repeats an earlier call with the same request_id.")
    timeout: int | None = Field(
        default=None,
        ge=1,
        le=_MAX_SECONDS,
        description="Seconds after which the statement is cancelled.",
        examples=[60],
    )
    format: AsText = None


class GetQueryStatus(ToolInput):
    """Input of `snowflake_get_query_status`."""

    statement_handle: Handle = Field(description="The statementHandle of an earlier answer.")
    wait_s: int = Field(
        default=0, ge=0, le=50, description="Seconds to wait at most while a held statement is undecided; repeatable."
    )
    session_id: SessionId = None
    request_id: RequestId = None
    format: AsText = None


class GetQueryPartition(ToolInput):
    """Input of `snowflake_get_query_partition`."""

    statement_handle: Handle = Field(description="The statementHandle of an earlier answer.")
    partition: int = Field(
        ge=0, le=1_000_000, description="Which partition of the result, counted from 0.", examples=[1]
    )
    from_row: int = Field(
        default=0,
        ge=0,
        le=100_000_000,
        description="The first row of the partition that its text form shows, counted from 0; `data` holds all of it.",
        examples=[200],
    )
    session_id: SessionId = None
    request_id: RequestId = None
    format: AsText = None


class CancelQuery(ToolInput):
    """Input of `snowflake_cancel_query`."""

    statement_handle: Handle = Field(description="The statementHandle of the statement to cancel.")
    session_id: SessionId = None
    request_id: RequestId = None


class Budgets(ToolInput):
    """What a session may use up; an absent member means the policy's own limit."""

    statements: int | None = Field(default=None, ge=1, le=_MAX_COUNT, description="Statements that may run.")
    rows: int | None = Field(default=None, ge=1, le=_MAX_COUNT, description="Rows that may be delivered.")
    bytes: int | None = Field(
        default=None, ge=1, le=_MAX_COUNT, description="Uncompressed bytes that may be delivered."
    )
    seconds: int | None = Field(default=None, ge=1, le=_MAX_COUNT, description="Wall seconds that statements may take.")


class RequestSession(ToolInput):
    """Input of `skipass_request_session`."""

    scope: ScopeValue = Field(
        description="What the session may touch. Ask for the least that does the job.",
        examples=[{"schemas": ["OPS_DB.OPS"], "access": "read"}],
    )
    ttl_s: int = Field(ge=1, le=_MAX_SECONDS, description="How long, in seconds. It never grows.", examples=[300])
    reason: Text = Field(
        max_length=1000,
        description="Why, in a sentence a person can judge.",
        examples=["Count the pending orders for the weekly report"],
    )
    budgets: Budgets | None = Field(default=None, description="Lower limits than the policy's, if you want them.")
    break_glass: bool = Field(
        default=False,
        description="Only in an emergency that the user has declared: everybody is told, and people review it.",
    )
    connection: Name | None = Field(
        default=None, description="Name of the connection. Leave it out over MCP: the server has one connection."
    )
    request_id: RequestId = None


class ExtendSession(ToolInput):
    """Input of `skipass_extend_session`."""

    session_id: Handle = Field(description="Id of the open session to follow.")
    ttl_s: int = Field(
        ge=1, le=_MAX_SECONDS, description="How long from when the new session opens, in seconds.", examples=[900]
    )
    reason: Text = Field(
        max_length=1000,
        description="Why more time is needed, in a sentence a person can judge.",
        examples=["Two of the five tables are still to be counted"],
    )
    scope: ScopeValue | None = Field(
        default=None, description="The same as now when left out; it may be wider, never narrower."
    )
    budgets: Budgets | None = Field(default=None, description="Lower limits than the policy's, if you want them.")
    request_id: RequestId = None


class ShowSession(ToolInput):
    """Input of `skipass_show_session`."""

    session_id: SessionId = None
    wait_s: int = Field(
        default=25,
        ge=0,
        le=50,
        description="Seconds to wait at most while a requested session is undecided; repeatable.",
    )


class CloseSession(ToolInput):
    """Input of `skipass_close_session`."""

    session_id: Handle = Field(description="Id of the session to close.")
