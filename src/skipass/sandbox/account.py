"""One account: its names, catalogue, rows, users' keys and tokens, clock, switches, and the statements it accepted."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from skipass.sandbox import functions
from skipass.sandbox.catalog import Catalog, Table, User, new_catalog
from skipass.sandbox.engine import Engine
from skipass.sandbox.infoschema import InformationSchema
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


@dataclass(frozen=True, slots=True)
class Token:
    """An opaque credential that the account accepts: its kind, user, and role if it is bound to one."""

    kind: str
    login_name: str = ""
    role: str | None = None
    expired: bool = False


@dataclass(slots=True)
class Account:
    """Everything of one account. `lock` guards the catalogue; rows have the engine's own lock."""

    organization: str
    name: str
    locator: str
    region: str = "AWS_US_EAST_2"
    engine: Engine = field(default_factory=Engine)
    catalog: Catalog = field(default_factory=lambda: new_catalog(datetime.now(UTC)))
    switches: Switches = field(default_factory=Switches)
    tokens: dict[str, Token] = field(default_factory=dict)
    login_failures: dict[str, str] = field(default_factory=dict)
    registry: Registry = field(default_factory=Registry)
    lock: threading.RLock = field(default_factory=threading.RLock)
    disagreements: int = 0
    directory: Path | None = None

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
        return datetime.now(UTC) + timedelta(seconds=self.switches.clock_offset_s)

    def information_schema(self, session: Session) -> InformationSchema:
        """Return INFORMATION_SCHEMA as this session sees it."""

        def history(rights: Rights, user: str | None, everyone: bool) -> Iterable[dict[str, Any]]:
            return self._history(session, rights, user, everyone)

        return InformationSchema(self.catalog, self.row_count, history)

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

    def functions_host(self, session: Session, statement_id: str, wait: Callable[[float], None]) -> functions.Host:
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
            login_failure=self.login_failures.get,
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
        return Session(user, role, warehouse, database, schema, self.now())
