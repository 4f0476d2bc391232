"""The state of one request: who, under which role, with which warehouse, database and schema.

The SQL API keeps no session between requests, so this lives as long as one request does.
Source: https://docs.snowflake.com/en/developer-guide/sql-api/submitting-requests.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from skipass.sandbox import failures
from skipass.sandbox.catalog import Catalog, User
from skipass.sandbox.names import SchemaName, TableName
from skipass.sandbox.privileges import Rights


@dataclass(slots=True)
class Session:
    """Role and current objects, changed only by USE inside a request of several statements.

    `credential` is the kind of token that opened it, `agentic` whether it counts as an agent's, `depth` how many
    procedures called one another to get here.
    """

    user: User
    role: str
    warehouse: str | None
    database: str | None
    schema: str | None
    now: datetime
    tag: str = ""
    agentic: bool = False
    credential: str = ""
    variables: dict[str, str] = field(default_factory=dict)
    last_handle: str | None = None
    secondary: bool = False
    zone: str = "UTC"
    depth: int = 0

    def rights(self, catalog: Catalog) -> Rights:
        """Return what the current role may do."""
        return Rights(catalog, self.role, self.user.roles if self.secondary else ())

    def schema_name(self, parts: list[str], action: str = "operation") -> SchemaName:
        """Return the schema that one or two stored name parts mean here."""
        if len(parts) == 2:
            return SchemaName(parts[0], parts[1])
        if len(parts) != 1:
            raise failures.not_performed()
        return SchemaName(self.current_database(action), parts[0])

    def table_name(self, parts: list[str], action: str = "operation") -> TableName:
        """Return the table that one to three stored name parts mean here."""
        if len(parts) == 3:
            return TableName(parts[0], parts[1], parts[2])
        if len(parts) == 2:
            return TableName(self.current_database(action), parts[0], parts[1])
        if len(parts) != 1:
            raise failures.missing(".".join(parts))
        database = self.current_database(action)
        if self.schema is None:
            raise failures.no_current("schema", action)
        return TableName(database, self.schema, parts[0])

    def current_database(self, action: str = "operation") -> str:
        """Return the current database or raise 090105."""
        if self.database is None:
            raise failures.no_current("database", action)
        return self.database
