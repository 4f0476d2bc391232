"""The proof that a managed MCP server takes outside tokens and holds them to privileges, in three steps.

List tools and run SQL; take USAGE away and see both denied; give it back, whatever happened in between, an interruption
included. Only Snowflake's own refusal is a denial: an answer that never came, or cannot be read, proves nothing. Knows
no gateway: it works from an administrator's client and an address.
Source: https://docs.snowflake.com/en/user-guide/snowflake-cortex/cortex-agents-mcp
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from skipass.gateway.doctor import symptoms
from skipass.gateway.doctor.claims import read, texts
from skipass.gateway.doctor.findings import Finding, State, failed, ok, unseen
from skipass.gateway.doctor.negatives import bad_tokens
from skipass.secret import Secret
from skipass.snowflake.account import Target
from skipass.snowflake.auth.tokens import oauth_token
from skipass.snowflake.client import AsyncSnowflakeClient
from skipass.snowflake.errors import (
    McpError,
    McpToolError,
    ObjectNotFoundError,
    RoleNotAllowed,
    SnowflakeAuthError,
    SnowflakeConfigError,
    SnowflakeError,
    SnowflakeUnavailable,
)
from skipass.snowflake.identifiers import quoted
from skipass.snowflake.mcp.client import ManagedMcpClient
from skipass.snowflake.mcp.messages import ServerName

QUESTION = "SELECT CURRENT_USER(), CURRENT_ROLE()"
TRIES = 3
WAIT_S = 60.0


@dataclass(frozen=True, slots=True)
class Subject:
    """What is proven: the server as stored names, the token's role, and where its tokens come from.

    `owner` is a client of who may grant. `issue` is a SQL expression that gives a token. `signing_key` (PEM) is the key
    that the integration trusts: with it, tokens that are wrong in one thing alone can be made.
    """

    owner: AsyncSnowflakeClient
    target: Target
    database: str
    schema: str
    server: str
    role: str
    issue: str
    signing_key: Secret[bytes] | None = None

    @property
    def privilege(self) -> str:
        """The privilege that is taken and given back, as SQL."""
        return f"USAGE ON MCP SERVER {quoted(self.database)}.{quoted(self.schema)}.{quoted(self.server)}"

    @property
    def grant(self) -> str:
        """The statement that gives it back."""
        return f"GRANT {self.privilege} TO ROLE {quoted(self.role)}"

    @property
    def revoke(self) -> str:
        """The statement that takes it away."""
        return f"REVOKE {self.privilege} FROM ROLE {quoted(self.role)}"


Tell = Callable[[Finding], None]


async def prove(on: Subject, tell: Tell) -> bool:
    """Tell each step as it is done, and return whether all of them were proven.

    If USAGE was taken away it is given back before this returns or raises; what cannot be is told with the statement.
    """
    proof = _Proof(on, tell)
    token = await proof.token()
    if token is None or not await proof.works("", token):
        return False
    await proof.refuses_bad_ones(token)
    if await proof.has_usage():
        await proof.without_usage(token)
    return proof.holds


@dataclass(slots=True)
class _Proof:
    on: Subject
    tell: Tell
    holds: bool = True

    def _say(self, finding: Finding) -> bool:
        self.tell(finding)
        self.holds = self.holds and finding.state is not State.FAILED
        return finding.state is State.OK

    async def token(self) -> Secret[str] | None:
        """Return a token from the function that issues them."""
        try:
            result = await self.on.owner.query(f"SELECT {self.on.issue}()")
        except SnowflakeError as error:
            fix = "MCP_TOKEN_UDF names a function that returns a token; SNOWFLAKE_CONNECTION_NAME who calls it."
            self._say(failed("token", "no_token", f"{self.on.issue}(): {error.message}", "Nothing gave a token.", fix))
            return None
        text = str(result.rows()[0][0] or "")
        claims = read(text) or {}
        seen = ", ".join(f"{one} {' '.join(texts(claims.get(one)))}" for one in ("iss", "aud", "scp") if one in claims)
        self._say(ok("token", seen or "an opaque token"))
        return Secret(text)

    async def works(self, when: str, token: Secret[str]) -> bool:
        """Tell whether the tools are listed and SQL runs."""
        for step, action in (("list tools", self._list), ("run SQL", self._run)):
            error = await _error_of(action(token))
            if not self._say(
                ok(f"{step}{when}", "200, no error in the body") if error is None else self._why(step, error)
            ):
                return False
        return True

    def _why(self, step: str, error: SnowflakeError) -> Finding:
        if isinstance(error, SnowflakeUnavailable):
            return failed(step, "unreachable", error.message, "No answer came, so nothing is proven.", error.hint)
        known = symptoms.words(role=self.on.role, server=f"{self.on.database}.{self.on.schema}.{self.on.server}")
        return symptoms.refused(step, known, error.message, error.code, error.message, type(error).__name__)

    async def refuses_bad_ones(self, token: Secret[str]) -> None:
        """Tell of each token that is wrong in one thing whether it is refused."""
        for bad in bad_tokens(token, self.on.signing_key):
            step = f"token with {bad.what}"
            if bad.token is None:
                self._say(unseen(step, "it takes the key that the integration trusts", "--signing-key FILE"))
                continue
            self._say(self._denial(step, await _error_of(self._list(bad.token)), of_token=True))

    def _denial(self, step: str, error: SnowflakeError | None, *, of_token: bool = False) -> Finding:
        if error is None:
            cause = "Snowflake takes what it must not take."
            return failed(step, "not_denied", "200, no error in the body", cause, "Look at the integration and grants.")
        if is_denial(error, of_token=of_token):
            return ok(step, f"denied: {error.message}")
        cause = "No refusal of Snowflake came, so nothing is proven; this does not count as a denial."
        return failed(step, "no_verdict", error.message, cause, error.hint or "Run it again.")

    async def has_usage(self) -> bool:
        """Tell whether the role has the very privilege that is to be taken: else giving it back would add one."""
        wanted = {".".join((self.on.database, self.on.schema, self.on.server)).upper()}
        error: SnowflakeError | None = None
        try:
            shown = (await self.on.owner.query(f"SHOW GRANTS TO ROLE {quoted(self.on.role)}")).dicts()
        except SnowflakeError as problem:
            shown, error = [], problem
        names = [
            str(row["name"]).replace('"', "").upper()
            for row in shown
            if str(row["granted_on"]).replace(" ", "_") == "MCP_SERVER" and row["privilege"] == "USAGE"
        ]
        if wanted & set(names):
            return self._say(ok("privilege", f"{self.on.role} has USAGE on the server itself"))
        seen = error.message if error else f"{self.on.role} has no USAGE on the server of its own"
        cause = "What works comes by another role, so taking this one's privilege would prove nothing."
        return self._say(failed("privilege", "no_direct_usage", seen, cause, f"{self.on.grant};"))

    async def without_usage(self, token: Secret[str]) -> None:
        """Take the privilege away, tell whether both are denied, and give it back in every case."""
        try:
            await _to_the_end(self._sql(self.on.revoke))
            self._say(ok("revoke USAGE", self.on.revoke))
            for step, action in (("list tools without USAGE", self._list), ("run SQL without USAGE", self._run)):
                self._say(self._denial(step, await _error_of(action(token))))
        except SnowflakeError as error:
            cause = "Whether the privilege was taken is not known."
            self._say(
                failed("revoke USAGE", "no_revoke", error.message, cause, "The role of the connection must own it.")
            )
        finally:
            await _to_the_end(self._give_back())
        await self.works(" again", token)

    async def _give_back(self) -> None:
        error: SnowflakeError | None = None
        for _ in range(TRIES):
            error = await _error_of(self._sql(self.on.grant))
            if error is None:
                self._say(ok("re-grant USAGE", self.on.grant))
                return
        message = error.message if error else ""
        self._say(failed("re-grant USAGE", "not_granted", message, "USAGE is still away.", f"{self.on.grant};"))

    async def _sql(self, text: str) -> None:
        await self.on.owner.query(text)

    async def _list(self, token: Secret[str]) -> None:
        async with self._client(token) as client:
            await client.list_tools()

    async def _run(self, token: Secret[str]) -> None:
        async with self._client(token) as client:
            tools = await client.list_tools()
            sql = next((tool for tool in tools if "sql" in tool.input_schema.get("properties", {})), None)
            if sql is None:
                raise SnowflakeConfigError("No tool of the server takes SQL.", hint="Add one of SYSTEM_EXECUTE_SQL.")
            await client.call_tool(sql.name, {"sql": QUESTION})

    def _client(self, token: Secret[str]) -> ManagedMcpClient:
        server = ServerName(*(_path_part(one) for one in (self.on.database, self.on.schema, self.on.server)))
        return ManagedMcpClient(self.on.target, server, oauth_token(token), timeout_s=WAIT_S)


def is_denial(error: SnowflakeError, *, of_token: bool = False) -> bool:
    """Return whether Snowflake itself said no: to the object, or where a token is looked at, to the token or its role.

    Whatever has another cause is none: no connection, a time-out, a server error, a text that is not known.
    """
    if isinstance(error, ObjectNotFoundError):
        return True
    if not of_token:
        return False
    about_role = isinstance(error, McpError) and not isinstance(error, McpToolError) and "role" in error.message.lower()
    return about_role or isinstance(error, SnowflakeAuthError | RoleNotAllowed)


async def _error_of(action: Coroutine[Any, Any, None]) -> SnowflakeError | None:
    try:
        await action
    except SnowflakeError as error:
        return error
    return None


async def _to_the_end(work: Coroutine[Any, Any, None]) -> None:
    """Wait until the work is done however often the wait is cancelled, then let the cancellation go on."""
    task = asyncio.ensure_future(work)
    cancelled = False
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            cancelled = True
        except SnowflakeError:
            break
    if cancelled:
        raise asyncio.CancelledError
    task.result()


def _path_part(name: str) -> str:
    plain = name.isascii() and name.replace("$", "_").isidentifier() and name.upper() == name
    return name if plain else quoted(name)
