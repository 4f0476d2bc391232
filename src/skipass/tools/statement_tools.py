"""The tools that run a caller's own statement, and answer for it by its handle."""

from __future__ import annotations

from types import MappingProxyType

from skipass.tools import inputs
from skipass.tools.schema import OF_PARTITION, OF_STATEMENT, OF_TEXT, RESULT_DATA, envelope_schema
from skipass.tools.spec import ToolSpec, hints

_RUN = MappingProxyType(envelope_schema(RESULT_DATA, OF_STATEMENT, OF_TEXT, OF_PARTITION))
_ROWS = MappingProxyType(envelope_schema(RESULT_DATA, OF_STATEMENT, OF_PARTITION))
_OUTCOME = MappingProxyType(envelope_schema({}, OF_STATEMENT))

STATEMENT_TOOLS: tuple[ToolSpec, ...] = (
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
        output_schema=_RUN,
        annotations=hints(read_only=False, destructive=True),
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
        output_schema=_ROWS,
        annotations=hints(read_only=True),
    ),
    ToolSpec(
        name="snowflake_get_query_partition",
        title="Get one partition of a result",
        description=(
            "Fetch one partition of a finished statement's rows, counted from 0. A large result has several: "
            "resultSetMetaData.partitionInfo lists them. Each delivery counts against the session's budgets."
        ),
        input=inputs.GetQueryPartition,
        output_schema=_ROWS,
        annotations=hints(read_only=True),
    ),
    ToolSpec(
        name="snowflake_cancel_query",
        title="Cancel a statement",
        description=(
            "Cancel a running or held statement by its statementHandle. A statement that finished first keeps its "
            "outcome, and the answer says which it was."
        ),
        input=inputs.CancelQuery,
        output_schema=_OUTCOME,
        annotations=hints(read_only=False, destructive=True, idempotent=True),
    ),
)
