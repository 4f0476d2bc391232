"""A relay to the sandbox's managed server, its demo agent let in, and short ways to call, decide and look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateways import Stage
from skipass.app.demo_seed import managed_url
from skipass.gateway.relay_servers import Relayed
from skipass.gateway.slug_names import Access
from skipass.nouns.envelope import Envelope
from skipass.nouns.mcp_tool import McpTool
from skipass.nouns.principal import Principal
from skipass.nouns.statement import Statement
from skipass.sandbox.demo import run_script
from skipass.tools.call import CallContext

SLUG = "cortex"
SQL, SEARCH, ANALYST, AGENT = "sql-exec-tool", "ticket-search", "orders-analyst", "ops-agent"
SERVER = {"database": "OPS_DB", "schema": "OPS", "name": "OPS_MCP"}
OPS_AGENT = "OPS_DB.OPS.OPS_AGENT"
_TOOLS = """
CREATE OR REPLACE MCP SERVER OPS_DB.OPS.OPS_MCP FROM SPECIFICATION $$
tools:
  - {{name: sql-exec-tool, type: SYSTEM_EXECUTE_SQL, title: Run SQL, description: {told}}}
  - {{name: ticket-search, type: CORTEX_SEARCH_SERVICE_QUERY, identifier: OPS_DB.OPS.TICKET_SEARCH, title: Search,
     description: Finds tickets}}
  - {{name: orders-analyst, type: CORTEX_ANALYST_MESSAGE, identifier: OPS_DB.OPS.ORDERS_VIEW, title: Ask,
     description: Orders}}
{more}
$$;
GRANT USAGE ON MCP SERVER OPS_DB.OPS.OPS_MCP TO ROLE AGENT_ROLE
"""
_WITH_AGENT = """  - {name: ops-agent, type: CORTEX_AGENT_RUN, identifier: OPS_DB.OPS.OPS_AGENT, title: Agent,
     description: Does things}
"""


@dataclass(slots=True)
class Bench:
    """A stage with the relay `cortex` over the connection `jit`: explicit sessions only."""

    at: Stage

    @classmethod
    async def over(cls, at: Stage) -> Bench:
        """Return the bench, with the managed server as the demo has it."""
        bench = cls(at)
        bench.serve()
        await bench.add()
        return bench

    async def add(self, slug: str = SLUG, connection: str = "jit", **how: Any) -> Relayed:
        """Register a relay as the admin."""
        url = managed_url(self.at.sandbox.url, SERVER)
        access = Access(agents_of_connection=True)
        return await self.at.gateway.relays.add(
            await self.admin(), slug, how.pop("url", url), connection=connection, access=access, **how
        )

    async def admin(self) -> Principal:
        return await self.at.principal("admin")

    def serve(self, told: str = "Runs one query", more: str = "", *, agent: bool = False) -> None:
        """Replace the managed server: another description of its SQL tool, or more tools."""
        self.sql(_TOOLS.format(told=told, more=_WITH_AGENT if agent else more))

    def add_agent(self) -> None:
        """Make an agent in the account and a tool for it."""
        self.sql(
            "CREATE OR REPLACE AGENT OPS_DB.OPS.OPS_AGENT FROM SPECIFICATION $$\nanswers: {go: Done.}\n$$;"
            "GRANT USAGE ON AGENT OPS_DB.OPS.OPS_AGENT TO ROLE AGENT_ROLE"
        )
        self.serve(agent=True)

    def sql(self, script: str) -> None:
        """Run SQL in the account as its administrator."""
        run_script(self.at.sandbox.account, "ADMIN", "USE ROLE ACCOUNTADMIN;" + script)

    async def call(self, tool: str, arguments: Mapping[str, Any], **call: Any) -> Envelope:
        """Return the envelope of one of the agent's calls by the slug."""
        agent = call.pop("principal", None) or await self.at.principal("agent")
        slug = call.pop("slug", SLUG)
        context = CallContext(request_id="req_test", **call)
        return await self.at.gateway.calls.call_tool(agent, slug, tool, arguments, context)

    async def session(self, *schemas: str, slug: str = SLUG, **scope: Any) -> Envelope:
        """Ask for a session by the slug."""
        wish = {"scope": {"schemas": list(schemas or ("OPS_DB.OPS",)), **scope}, "ttl_s": 300, "reason": "test"}
        return await self.call("skipass_request_session", wish, slug=slug)

    async def opened(self, **scope: Any) -> str:
        """Open a session, with a person's word where it takes one, and return its id."""
        envelope = await self.session(**scope)
        if envelope.status.value == "approval_required":
            await self.at.decide(envelope)
        assert envelope.session_id is not None
        return envelope.session_id

    async def names(self, **by: Any) -> list[str]:
        """Return the names of the tools that are listed."""
        agent = by.get("principal") or await self.at.principal("agent")
        return [str(tool["name"]) for tool in await self.at.gateway.calls.list_tools(agent, SLUG)]

    async def tool(self, name: str, *, look: bool = False) -> McpTool:
        """Return a pin."""
        tools = await self.at.gateway.relays.tools(await self.admin(), SLUG, look=look)
        return next(tool for tool in tools if tool.name == name)

    async def statements(self, tool: str) -> list[Statement]:
        """Return the statements that a tool's calls became."""
        found: list[Statement] = await self.at.every(Statement, tool=tool)
        return found

    def called(self, tool: str) -> list[dict[str, Any]]:
        """Return the calls of a tool that reached Snowflake."""
        return [one for one in self.at.sandbox.control.calls() if one.get("tool") == tool]
