"""Scopes: what the token of an MCP client is good for, and which of them a tool call needs. Knows no token.

Source: RFC 6749 §3.3; RFC 6750 §3.1; MCP 2026-07-28, Authorization (Scope Challenge Handling)
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType

from skipass.errors import SkipassError
from skipass.nouns.principal import Principal
from skipass.nouns.verdict import StatementKind

READ, ASK, WRITE = "tools:read", "sessions:request", "tools:write"
SCOPES: Mapping[str, str] = MappingProxyType(
    {
        READ: "List the tools, look at metadata and run statements that read, inside its access sessions.",
        ASK: "Ask for access sessions, and for more time.",
        WRITE: "Ask for statements that change something; those are held for a person wherever the policy says so.",
    }
)
FIRST = (READ, ASK)
"""What a client is told to ask for first; a call that needs more says so when it comes."""
_NEEDS: Mapping[str, str] = MappingProxyType({"skipass_request_session": ASK, "skipass_extend_session": ASK})
_IMPLIES: Mapping[str, frozenset[str]] = MappingProxyType({WRITE: frozenset({READ})})


def wanted(scope: str) -> tuple[str, ...]:
    """Return the scopes of a request that are ours, in our order; those of an empty request are the first ones."""
    asked = scope.split()
    return ordered(asked) if asked else FIRST


def ordered(scopes: Collection[str]) -> tuple[str, ...]:
    """Return those of the scopes that are ours, in our order."""
    return tuple(one for one in SCOPES if one in scopes)


def check_tool(principal: Principal, tool: str) -> None:
    """Pass when the caller's token is good for this tool, whatever the tool is then asked to do."""
    check_scope(principal, _NEEDS.get(tool, READ))


def check_kind(principal: Principal, kind: StatementKind) -> None:
    """Pass when the caller's token is good for this kind of statement."""
    check_scope(principal, READ if kind is StatementKind.READ else WRITE)


def check_scope(principal: Principal, scope: str) -> None:
    """Pass when the caller is not limited or has this scope; else raise `insufficient_scope` with all to ask for."""
    if principal.scopes is None:
        return
    reaches = principal.scopes.union(*(_IMPLIES.get(one, frozenset()) for one in principal.scopes))
    if scope not in reaches:
        more = " ".join(ordered(principal.scopes | {scope}))
        hint = f"Have the client ask its user for the scope {scope}."
        raise SkipassError("insufficient_scope", f"This needs the scope {scope}.", hint, details={"scope": more})
