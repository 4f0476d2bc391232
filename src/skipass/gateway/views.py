"""What a surface shows of a noun: JSON objects, times in ISO 8601 UTC, no sealed value and no hash of a credential."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from skipass.audit.chain import Record
from skipass.gateway.slug_names import Shown
from skipass.nouns.approval import Approval, Decision
from skipass.nouns.connection import Connection
from skipass.nouns.mcp_tool import McpTool
from skipass.nouns.people import Agent, User
from skipass.nouns.review import Review
from skipass.nouns.session import AccessSession
from skipass.nouns.statement import Statement


def when(at: datetime | None) -> str | None:
    """Return ISO 8601 with a Z, to the microsecond."""
    return at.isoformat().replace("+00:00", "Z") if at else None


def session_view(session: AccessSession, now: datetime) -> dict[str, Any]:
    """Return a session with what is left of it."""
    left = max(0, int((session.expires_at - now).total_seconds())) if session.expires_at else None
    return {
        "id": session.id,
        "state": session.state.value,
        "connection_id": session.connection_id,
        "agent_id": session.agent_id,
        "user_id": session.user_id,
        "scope": session.scope.as_dict(),
        "role": session.role,
        "warehouse": session.warehouse,
        "reason": session.reason,
        "automatic": session.automatic,
        "ttl_s": session.ttl_s,
        "requested_at": when(session.requested_at),
        "opened_at": when(session.opened_at),
        "expires_at": when(session.expires_at),
        "seconds_left": left if session.state.value == "open" else None,
        "decide_by": when(session.decide_by) if session.state.value == "requested" else None,
        "closed_at": when(session.closed_at),
        "end_reason": session.end_reason.value if session.end_reason else None,
        "budgets_left": session.left.as_dict(),
        "approval": session.approval_id,
        "predecessor_id": session.predecessor_id,
        "break_glass": session.break_glass,
    }


def card_url(base_url: str, approval_id: str) -> str:
    """Return the address of the page where people decide."""
    return f"{base_url}/console/approvals/{approval_id}"


def review_url(base_url: str, review_id: str) -> str:
    """Return the address of the page where a review is closed."""
    return f"{base_url}/console/reviews/{review_id}"


def review_view(review: Review, base_url: str) -> dict[str, Any]:
    """Return a review."""
    return {
        "id": review.id,
        "state": review.state.value,
        "session_id": review.session_id,
        "agent_id": review.agent_id,
        "requester_id": review.requester_id,
        "deciders": list(review.deciders),
        "url": review_url(base_url, review.id),
        "opened_at": when(review.opened_at),
        "closed_at": when(review.closed_at),
        "closed_by": review.closed_by,
        "comment": review.comment,
    }


def approval_view(approval: Approval, base_url: str) -> dict[str, Any]:
    """Return an approval as the requester sees it."""
    return {
        "id": approval.id,
        "state": approval.state.value,
        "subject": approval.subject.value,
        "subject_id": approval.subject_id,
        "session_id": approval.session_id,
        "intent_hash": approval.intent_hash,
        "url": card_url(base_url, approval.id),
        "created_at": when(approval.created_at),
        "expires_at": when(approval.expires_at),
        "decided_at": when(approval.decided_at),
        "quorum": approval.quorum,
        "deciders": list(approval.deciders),
        "confirm": approval.confirm,
    }


def decision_view(decision: Decision) -> dict[str, Any]:
    """Return one person's decision."""
    return {
        "user_id": decision.user_id,
        "approved": decision.approved,
        "reason": decision.reason,
        "at": when(decision.at),
    }


def statement_view(statement: Statement, text: str | None = None) -> dict[str, Any]:
    """Return a statement; `text` is the unsealed one where the viewer may read it."""
    return {
        "id": statement.id,
        "state": statement.state.value,
        "kind": statement.kind.value,
        "tool": statement.tool,
        "text": text,
        "reads": list(statement.reads),
        "writes": list(statement.writes),
        "reasons": list(statement.reasons),
        "intent_hash": statement.intent_hash,
        "approval": statement.approval_id,
        "statementHandle": statement.handle,
        "created_at": when(statement.created_at),
        "submitted_at": when(statement.submitted_at),
        "finished_at": when(statement.finished_at),
        "rows": statement.result_rows,
        "bytes": statement.result_bytes,
        "error": {"code": statement.error_code, "message": statement.error_message} if statement.error_code else None,
        "cancel_unconfirmed": statement.cancel_unconfirmed,
    }


def user_view(user: User) -> dict[str, Any]:
    """Return a person."""
    return {
        "id": user.id,
        "name": user.name,
        "roles": [role.value for role in user.roles],
        "state": user.state.value,
        "founder": user.founder,
        "bound": user.subject is not None,
        "created_at": when(user.created_at),
    }


def agent_view(agent: Agent) -> dict[str, Any]:
    """Return an agent."""
    return {
        "id": agent.id,
        "name": agent.name,
        "owner_id": agent.owner_id,
        "acts_for": agent.acts_for.value,
        "users": list(agent.users),
        "connections": list(agent.connections),
        "return_urls": list(agent.return_urls),
        "state": agent.state.value,
        "created_at": when(agent.created_at),
    }


def connection_view(connection: Connection) -> dict[str, Any]:
    """Return a connection, without its credential."""
    return {
        "id": connection.id,
        "name": connection.name,
        "account": connection.account,
        "host": connection.host,
        "auth_method": connection.auth_method.value,
        "login": connection.login,
        "role": connection.role,
        "allowed_roles": list(connection.allowed_roles),
        "warehouse": connection.warehouse,
        "database": connection.database,
        "schema": connection.schema,
        "policy": connection.policy,
        "per_user": connection.per_user,
        "template": connection.template,
        "settings": connection.settings,
        "state": connection.state.value,
        "created_at": when(connection.created_at),
    }


def server_view(shown: Shown, base_url: str) -> dict[str, Any]:
    """Return a slug, with everybody on its lists by name."""
    server = shown.server
    return {
        "id": server.id,
        "slug": server.slug,
        "url": f"{base_url}/{server.slug}/mcp",
        "connection_id": server.connection_id,
        "connection": shown.connection,
        "upstream": server.upstream,
        **{name: list(names) for name, names in shown.names.items()},
        "agents_of_connection": server.agents_of_connection,
        "sessions": server.sessions.value,
        "drift": server.drift.value,
        "state": server.state.value,
    }


def pin_view(tool: McpTool) -> dict[str, Any]:
    """Return a relayed tool as it is pinned, and the hash to decide about it by."""
    return {
        "name": tool.name,
        "type": tool.type.value,
        "effect": tool.effect.value,
        "state": tool.state.value,
        "rule": tool.rule.value,
        "hash": tool.current_hash,
        "identifier": tool.identifier,
        "objects": list(tool.objects),
        "read_only": tool.read_only,
        "declared": tool.declared,
        "why": tool.why,
        "definition": tool.definition,
        "seen": tool.seen or None,
        "pinned_at": when(tool.pinned_at),
        "seen_at": when(tool.seen_at),
    }


def record_view(record: Record) -> dict[str, Any]:
    """Return one chained event with its body as an object."""
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=record.at_us)
    return {
        "cursor": f"{record.at_us}:{record.writer}:{record.seq}",
        "tenant_id": record.tenant_id,
        "at_us": record.at_us,
        "at": when(at),
        "kind": record.kind,
        "subject": record.subject,
        "session_id": record.session_id,
        "body": record.content(),
        "writer": record.writer,
        "seq": record.seq,
        "prev_hash": record.prev_hash,
        "hash": record.hash,
    }
