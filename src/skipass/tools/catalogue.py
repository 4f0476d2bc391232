"""The catalogue: every tool's name, words for the model, input, output and hints, in one fixed order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from skipass.nouns.scope import Metadata
from skipass.tools import inputs
from skipass.tools.schema import RESULT_DATA, SESSION_DATA, envelope_schema, input_schema


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """One tool.

    `input` is its input model, `input_schema` and `output_schema` the JSON Schemas a client sees. `annotations` are
    MCP's hints: for display only, never a rule. `metadata` is how far the tool itself looks into Snowflake's catalogue,
    None where the statement it carries decides.
    """

    name: str
    title: str
    description: str
    input: type[inputs.ToolInput]
    output_schema: Mapping[str, Any]
    annotations: Mapping[str, bool]
    metadata: Metadata | None = None
    input_schema: Mapping[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "input_schema", MappingProxyType(input_schema(self.input)))


_RESULT = MappingProxyType(envelope_schema(RESULT_DATA))
_SESSION = MappingProxyType(envelope_schema(SESSION_DATA))


def _hints(*, read_only: bool, destructive: bool = False, idempotent: bool = False) -> Mapping[str, bool]:
    return MappingProxyType(
        {
            "readOnlyHint": read_only,
            "destructiveHint": destructive,
            "idempotentHint": idempotent or read_only,
            "openWorldHint": False,
        }
    )


CATALOGUE: tuple[ToolSpec, ...] = (
    ToolSpec(
        name="skipass_request_session",
        title="Request an access session",
        description=(
            "Ask for a time-bound access session on the schemas you need, with a reason. Do this before the first "
            "query, or when an answer has status session_required: its `request` holds the smallest request that "
            "would do. A read session usually opens at once; status approval_required means that a person decides "
            "first: tell the user, and ask again with skipass_show_session. Ask for the least you need: "
            "everything outside the scope is refused."
        ),
        input=inputs.RequestSession,
        output_schema=_SESSION,
        annotations=_hints(read_only=False),
    ),
    ToolSpec(
        name="skipass_show_session",
        title="Show an access session",
        description=(
            "Show a session's state, scope, end and what is left of its budgets; without session_id, your open "
            "one. Use it to see how much time remains, or whether a requested session was approved: it then waits up "
            "to wait_s seconds for the decision, and asking again goes on waiting."
        ),
        input=inputs.ShowSession,
        output_schema=_SESSION,
        annotations=_hints(read_only=True),
    ),
    ToolSpec(
        name="skipass_extend_session",
        title="Ask for more time",
        description=(
            "Ask for a session that follows an open one when its time or budgets will not do. A session never grows: "
            "this is a new request, and may wait for a person as any request does. When it opens, the old one ends "
            "and its running and held statements go on in the new one, under the same handles."
        ),
        input=inputs.ExtendSession,
        output_schema=_SESSION,
        annotations=_hints(read_only=False),
    ),
    ToolSpec(
        name="skipass_close_session",
        title="Close an access session",
        description=(
            "Close a session as soon as the job is done. Its running statements are cancelled, what waits for a "
            "person is withdrawn, and its handles stop answering. It cannot be reopened; more access is a new "
            "request."
        ),
        input=inputs.CloseSession,
        output_schema=_SESSION,
        annotations=_hints(read_only=False, idempotent=True),
    ),
    ToolSpec(
        name="snowflake_execute_query",
        title="Run one SQL statement",
        description=(
            "Run one SQL statement in Snowflake inside your access session. Status success: `data` holds columns "
            "and the first partition of rows. running: ask snowflake_get_query_status with the statementHandle. "
            "approval_required: a write is held for a person; do not send it again, tell the user and ask for its "
            "status by the handle. session_required: request a session with the `request` given. denied: "
            "`reasons` say which object or construct is outside the session; change the statement or request a "
            "wider session, but do not rephrase to get around it. Values belong in bindings, not in the text. Add "
            "a LIMIT when you only need a few rows."
        ),
        input=inputs.ExecuteQuery,
        output_schema=_RESULT,
        annotations=_hints(read_only=False, destructive=True),
    ),
    ToolSpec(
        name="snowflake_get_query_status",
        title="Get a statement's status",
        description=(
            "Ask how a statement is doing by its statementHandle, and collect its first rows once it has "
            "succeeded. Also tells whether a held statement was approved (it then ran once, by itself), denied or "
            "has lapsed."
        ),
        input=inputs.GetQueryStatus,
        output_schema=_RESULT,
        annotations=_hints(read_only=True),
    ),
    ToolSpec(
        name="snowflake_get_query_partition",
        title="Get one partition of a result",
        description=(
            "Fetch one partition of a finished statement's rows, counted from 0. A large result has several: "
            "resultSetMetaData.partitionInfo lists them. Each delivery counts against the session's budgets."
        ),
        input=inputs.GetQueryPartition,
        output_schema=_RESULT,
        annotations=_hints(read_only=True),
    ),
    ToolSpec(
        name="snowflake_cancel_query",
        title="Cancel a statement",
        description=(
            "Cancel a running or held statement by its statementHandle. A statement that finished first keeps its "
            "outcome, and the answer says which it was."
        ),
        input=inputs.CancelQuery,
        output_schema=_RESULT,
        annotations=_hints(read_only=False, destructive=True, idempotent=True),
    ),
)
