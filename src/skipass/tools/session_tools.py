"""The tools about access sessions."""

from __future__ import annotations

from types import MappingProxyType

from skipass.tools import inputs
from skipass.tools.schema import SESSION_DATA, envelope_schema
from skipass.tools.spec import ToolSpec, hints

_OUTPUT = MappingProxyType(envelope_schema(SESSION_DATA))

SESSION_TOOLS: tuple[ToolSpec, ...] = (
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
        output_schema=_OUTPUT,
        annotations=hints(read_only=False),
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
        output_schema=_OUTPUT,
        annotations=hints(read_only=True),
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
        output_schema=_OUTPUT,
        annotations=hints(read_only=False),
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
        output_schema=_OUTPUT,
        annotations=hints(read_only=False, idempotent=True),
    ),
)
