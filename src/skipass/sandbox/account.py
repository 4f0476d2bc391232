"""One account: its names, catalogue, rows, users' keys and tokens, clock, switches, and the statements it accepted."""

from __future__ import annotations

import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from skipass.clock import Clock, SystemClock
from skipass.sandbox import functions, zones
from skipass.sandbox.catalog import Catalog, Table, User, new_catalog
from skipass.sandbox.engine import Engine
from skipass.sandbox.infoschema import InformationSchema
from skipass.sandbox.oauth.keys import KeyCache
from skipass.sandbox.oauth.model import SignIn
from skipass.sandbox.privileges import Rights
from skipass.sandbox.session import Session
from skipass.sandbox.statements import Registry


@dataclass(slots=True)
class Switches:
    """How the account reads the points that its documentation leaves open; a test may change them at any time."""

    timestamp_text: str = "seconds"
    partition_body: str = "object"
    accepted_rate: float = 0.0
    accepted_next: int = 0
    sync_window_s: float = 45.0
    partition_rows: int = 0
    partition_bytes: int = 10_000_000
    handle_age_s: float = 86_400.0
    clock_offset_s: float = 0.0
    execution_delay_s: float = 0.0
    row_type_case: str = "lower"
    role_refusal: str = "390186"
    oauth_error_shape: str = "vendor"
    refresh_mode: str = "multi"
    role_all_scope: str = "accepted"
    unknown_host: str = "403"
    running_code: str = "333334"
    cancel_code: str = "000604"
    unknown_handle_status: str = "422"
    timeout_status: str = "408"
    accept_status: str = "400"
    role_refusal_status: str = "401"
    network_policy_status: str = "403"
    token_kind: str = "detected"  # noqa: S105
    jwt_age: str = "hour"
    jwt_code: str = "390144"
    withdrawn_code: str = "390303"
    refresh_without_role: str = "accepted"
    invalid_client_status: str = "400"
    scope_attribute: str = "custom"
    show_columns: str = "documented"
    audience_slash: str = "exact"
    authorization_metadata: str = "missing"
    mcp_stream: str = "sse"
    mcp_list_stream: str = "json"
    mcp_token_rejected: str = "401"  # noqa: S105
    mcp_tool_failure: str = "error"
    mcp_search_shape: str = "content"
    mcp_analyst_fence: bool = False
    mcp_agent_results: str = "tool_result"
    trial_account: bool = False


# What is counted of token requests; a reuse is a second use of a code, or of a refresh token that was rotated.
COUNTS = ("codes_exchanged", "tokens_refreshed", "requests_refused", "codes_reused", "refresh_tokens_reused")

# The values that a switch with a closed choice takes.
CHOICES = {
    "timestamp_text": ("seconds", "nanos"),
    "partition_body": ("object", "array"),
    "row_type_case": ("lower", "upper"),
    "role_refusal": ("390186", "390189", "390317"),
    "oauth_error_shape": ("vendor", "rfc"),
    "refresh_mode": ("multi", "single"),
    "role_all_scope": ("accepted", "refused"),
    "unknown_host": ("403", "404", "513"),
    "running_code": ("333334", "333333"),
    "cancel_code": ("000604", "0"),
    "unknown_handle_status": ("422", "404"),
    "timeout_status": ("408", "422"),
    "accept_status": ("400", "406"),
    "role_refusal_status": ("401", "403", "422"),
    "network_policy_status": ("403", "401"),
    "token_kind": ("detected", "OAUTH"),
    "jwt_age": ("hour", "minute"),
    "jwt_code": ("390144", "detail"),
    "withdrawn_code": ("390303", "390302"),
    "refresh_without_role": ("accepted", "refused"),
    "invalid_client_status": ("400", "401"),
    "scope_attribute": ("custom", "every"),
    "show_columns": ("documented", "more"),
    "audience_slash": ("exact", "ignored"),
    "authorization_metadata": ("missing", "served"),
    "mcp_stream": ("sse", "json"),
    "mcp_list_stream": ("json", "sse"),
    "mcp_token_rejected": ("401", "200/-32603"),
    "mcp_tool_failure": ("error", "is_error", "content"),
    "mcp_search_shape": ("content", "results"),
    "mcp_agent_results": ("tool_result", "tool_results"),
}


class Store(Protocol):
    """Where an account's catalogue is kept; rows have their own file."""

    def save(self, account: Account) -> None:
        """Keep the catalogue and sign-in state as they are now."""
        ...


@dataclass(frozen=True, slots=True)
class Token:
    """An opaque credential that the account accepts: its kind, user, and role if it is bound to one."""

    kind: str
    login_name: str = ""
    role: str | None = None
    expired: bool = False


@dataclass(slots=True)
class Account:
    """Everything of one account. `lock` guards the catalogue; rows have the engine's own lock.

    `mint` makes a token of the provider beside the account from a login name, a scope and an audience.
    """

    organization: str
    name: str
    locator: str
    region: str = "AWS_US_EAST_2"
    engine: Engine = field(default_factory=Engine)
    clock: Clock = field(default_factory=SystemClock)
    catalog: Catalog = field(default_factory=lambda: new_catalog(SystemClock().now()))
    switches: Switches = field(default_factory=Switches)
    tokens: dict[str, Token] = field(default_factory=dict)
    login_failures: dict[str, str] = field(default_factory=dict)
    registry: Registry = field(default_factory=Registry)
    lock: threading.RLock = field(default_factory=threading.RLock)
    disagreements: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    sign_in: SignIn = field(default_factory=SignIn)
    keys: KeyCache = field(default_factory=KeyCache)
    store: Store | None = None
    mint: Callable[[str, str, str], str] | None = None

    @property
    def identifier(self) -> str:
        """The account identifier, `ORG-ACCOUNT`."""
        return f"{self.organization}-{self.name}"

    @property
    def host(self) -> str:
        """The host name a client would use for this account, hyphens for underscores."""
        return f"{self.identifier}.snowflakecomputing.com".lower().replace("_", "-")

    def now(self) -> datetime:
        """Return the account's time, UTC."""
        return self.clock.now() + timedelta(seconds=self.switches.clock_offset_s)

    def save(self) -> None:
        """Keep what changed, if the account is one that lasts; hold the lock."""
        if self.store is not None:
            self.store.save(self)

    def information_schema(self, session: Session) -> InformationSchema:
        """Return INFORMATION_SCHEMA as this session sees it."""

        def history(rights: Rights, user: str | None, everyone: bool) -> Iterable[dict[str, Any]]:
            return self._history(session, rights, user, everyone)

        return InformationSchema(self.catalog, self.row_count, history, session.user.name)

    def row_count(self, table: Table) -> int | None:
        if table.view is not None:
            return None
        run = self.engine.open()
        try:
            return int(run.execute(f'SELECT count(*) FROM "{table.physical}"')[0][0])
        finally:
            run.close()

    def _history(self, session: Session, rights: Rights, user: str | None, everyone: bool) -> Iterable[dict[str, Any]]:
        wanted = (user or session.user.name).upper()
        for statement in self.registry.everything():
            mine = statement.user == session.user.name
            if (everyone or statement.user == wanted) and (mine or self._monitors(rights, statement.session.warehouse)):
                yield statement.history_row()

    def _monitors(self, rights: Rights, warehouse: str | None) -> bool:
        if rights.owns("ACCOUNTADMIN"):
            return True
        found = self.catalog.warehouses.get(warehouse or "")
        if found is None:
            return False
        return rights.owns(found.owner) or "MONITOR" in rights.held(("WAREHOUSE", found.name))

    def functions_host(
        self,
        session: Session,
        statement_id: str,
        wait: Callable[[float], None],
        system: Mapping[str, Callable[[list[str]], str | None]],
    ) -> functions.Host:
        """Return what context functions may ask of this account."""
        return functions.Host(
            organization=self.organization,
            account=self.name,
            locator=self.locator,
            region=self.region,
            session=session,
            statement_id=statement_id,
            roles=lambda: functions.roles_of(self.catalog, session),
            wait=wait,
            system=system,
        )

    def new_failure_id(self, details: str) -> str:
        """Keep the details of a refused sign-in under a new id, which is all that the caller is told."""
        failure_id = str(uuid.uuid4())
        self.login_failures[failure_id] = details
        return failure_id

    def session_of(self, user: User, role: str) -> Session:
        """Return a session with the user's own defaults under a role already checked."""
        namespace = [part for part in user.options.get("DEFAULT_NAMESPACE", "").split(".") if part]
        database = namespace[0] if namespace else None
        default_schema = "PUBLIC" if database else None
        schema = namespace[1] if len(namespace) > 1 else default_schema
        warehouse = user.options.get("DEFAULT_WAREHOUSE") or None
        zone = zones.chosen(user.options, self.sign_in.parameters.get(("ACCOUNT",), {}))
        return Session(user, role, warehouse, database, schema, self.now(), zone=zone)
