"""Which role may do what: the closure of granted roles, ownership, and the rule that hides what may not be seen.

Pure look-ups over a catalogue. Secondary roles add to everything but CREATE, which is the primary role's alone.
Source: https://docs.snowflake.com/en/user-guide/security-access-control-privileges.
"""

from __future__ import annotations

from collections.abc import Iterable

from skipass.sandbox import failures
from skipass.sandbox.catalog import Catalog, SchemaObject, Table, User, on_object, on_schema, on_table
from skipass.sandbox.names import SchemaName, TableName, shown

TABLE_PRIVILEGES = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES")


def closure(catalog: Catalog, role: str) -> frozenset[str]:
    """Return the role, PUBLIC, and every role granted to them, directly or through others."""
    seen: set[str] = set()
    waiting = [role, "PUBLIC"]
    while waiting:
        name = waiting.pop()
        if name not in seen and name in catalog.roles:
            seen.add(name)
            waiting.extend(catalog.roles[name].roles)
    return frozenset(seen)


def available_roles(catalog: Catalog, user: User) -> frozenset[str]:
    """Return the roles a user may take, PUBLIC included."""
    return frozenset().union(*(closure(catalog, role) for role in {*user.roles, "PUBLIC"}))


class Rights:
    """What one role, and those beside it, may do in one catalogue, as of now."""

    def __init__(self, catalog: Catalog, role: str, secondary: Iterable[str] = ()) -> None:
        self._catalog = catalog
        self.role = role
        self._primary = closure(catalog, role)
        self.roles = self._primary.union(*(closure(catalog, one) for one in secondary))
        self._held: dict[tuple[str, ...], set[str]] = {}
        for grant in list(catalog.grants):
            if grant.role in self.roles:
                self._held.setdefault(grant.on, set()).add(grant.privilege)

    def held(self, on: tuple[str, ...]) -> frozenset[str]:
        """Return the privileges granted on one object; OWNERSHIP among them means all."""
        return frozenset(self._held.get(on, ()))

    def owns(self, owner: str) -> bool:
        """Tell whether the role is, or inherits, the owner."""
        return owner in self.roles

    def on_account(self, privilege: str) -> bool:
        """Tell whether a privilege on the account is held; ACCOUNTADMIN inherits them all."""
        return privilege in self.held(("ACCOUNT",))

    def administers(self, owner: str) -> bool:
        """Tell whether grants on an object of that owner may be changed."""
        return self.owns(owner) or self.on_account("MANAGE GRANTS")

    def sees_database(self, name: str) -> bool:
        """Tell whether the database exists for this role."""
        database = self._catalog.databases.get(name)
        return database is not None and (self.owns(database.owner) or bool(self.held(("DATABASE", name))))

    def sees_schema(self, name: SchemaName) -> bool:
        """Tell whether the schema exists for this role."""
        schema = self._catalog.schema(name)
        if schema is None or not self.sees_database(name.database):
            return False
        return self.owns(schema.owner) or bool(self.held(on_schema(name)))

    def uses_schema(self, name: SchemaName) -> bool:
        """Tell whether what the schema holds can be reached: USAGE or ownership of database and schema."""
        schema, database = self._catalog.schema(name), self._catalog.databases.get(name.database)
        if schema is None or database is None:
            return False
        inside = self.owns(database.owner) or "USAGE" in self.held(("DATABASE", name.database))
        return inside and (self.owns(schema.owner) or "USAGE" in self.held(on_schema(name)))

    def sees_table(self, table: Table) -> bool:
        """Tell whether the table exists for this role."""
        if not self.uses_schema(table.name.parent):
            return False
        return self.owns(table.owner) or bool(self.held(on_table(table)))

    def may(self, table: Table, privilege: str) -> bool:
        """Tell whether the privilege on a visible table is held."""
        held = self.held(on_table(table))
        return self.owns(table.owner) or privilege in held or "OWNERSHIP" in held

    def table(self, name: TableName, privilege: str) -> Table:
        """Return the table if the role holds the privilege; else 002003 or, for a visible one, 003001."""
        table = self._catalog.table(name)
        if table is None or not self.sees_table(table):
            raise failures.missing(str(name))
        if not self.may(table, privilege):
            raise failures.insufficient(table.kind.lower(), table.name.name)
        return table

    def owned_table(self, name: TableName) -> Table:
        """Return the table if the role owns it; else 002003 or, for a visible one, 003001."""
        return self.table(name, "OWNERSHIP")

    def may_create(self, name: SchemaName, kind: str) -> None:
        """Raise unless the role may create an object of this kind (`TABLE`, `VIEW`) in the schema."""
        schema = self._catalog.schema(name)
        if schema is None or not self.uses_schema(name):
            raise failures.missing(str(name), "Schema", table=False)
        if self.roles != self._primary:
            Rights(self._catalog, self.role).may_create(name, kind)
        held = self.held(on_schema(name))
        if not (self.owns(schema.owner) or f"CREATE {kind}" in held or "OWNERSHIP" in held):
            raise failures.insufficient("schema", name.schema)

    def may_create_schema(self, name: str) -> None:
        """Raise unless the role may create a schema in the database."""
        database = self._catalog.databases.get(name)
        if database is None or not self.sees_database(name):
            raise failures.missing(shown(name), "Database", table=False)
        if not (self.owns(database.owner) or "CREATE SCHEMA" in self.held(("DATABASE", name))):
            raise failures.insufficient("database", name)

    def sees_object(self, one: SchemaObject) -> bool:
        """Tell whether a sequence, stage or function exists for this role."""
        if not self.uses_schema(one.name.parent):
            return False
        return self.owns(one.owner) or bool(self.held(on_object(one)))

    def schema_object(self, name: TableName, kind: str, privilege: str) -> SchemaObject:
        """Return the object of that kind if the role holds the privilege; else 002003 or 003001."""
        schema = self._catalog.schema(name.parent)
        one = schema.objects.get((kind, name.name)) if schema is not None else None
        if one is None or not self.sees_object(one):
            raise failures.missing(str(name), kind.capitalize(), table=False)
        held = self.held(on_object(one))
        if not (self.owns(one.owner) or privilege in held or "OWNERSHIP" in held):
            raise failures.insufficient(kind.lower(), name.name)
        return one

    def usable_warehouse(self, name: str | None) -> bool:
        """Tell whether the warehouse exists and may be used."""
        warehouse = self._catalog.warehouses.get(name or "")
        if warehouse is None:
            return False
        return self.owns(warehouse.owner) or "USAGE" in self.held(("WAREHOUSE", warehouse.name))

    def sees_warehouse(self, name: str) -> bool:
        """Tell whether the warehouse exists for this role."""
        warehouse = self._catalog.warehouses.get(name)
        return warehouse is not None and (self.owns(warehouse.owner) or bool(self.held(("WAREHOUSE", name))))
