"""GRANT, REVOKE and SHOW GRANTS on what agents are offered from a schema, and on integrations.

Source: https://docs.snowflake.com/en/sql-reference/sql/grant-privilege and .../show-grants.
"""

from __future__ import annotations

from collections.abc import Callable

from skipass.sandbox import failures, results
from skipass.sandbox.account import Account
from skipass.sandbox.catalog import Grant
from skipass.sandbox.grammar import Reader
from skipass.sandbox.mcp import objects
from skipass.sandbox.names import TableName, shown
from skipass.sandbox.privileges import Rights
from skipass.sandbox.results import Listing, Result
from skipass.sandbox.session import Session

_PRIVILEGES = {
    "MCP SERVER": frozenset({"USAGE", "MODIFY", "OWNERSHIP"}),
    "CORTEX SEARCH SERVICE": frozenset({"USAGE", "OPERATE", "MONITOR", "OWNERSHIP"}),
    "SEMANTIC VIEW": frozenset({"SELECT", "REFERENCES", "MONITOR", "OWNERSHIP"}),
    "AGENT": frozenset({"USAGE", "MODIFY", "MONITOR", "OWNERSHIP"}),
    "INTEGRATION": frozenset({"USAGE", "USE_ANY_ROLE", "OWNERSHIP"}),
}


def privileges(reader: Reader, account: Account, session: Session) -> Callable[[], Result] | None:
    """Return the work of a GRANT or REVOKE on one of these kinds, None for every other."""
    at = next((ahead for ahead in range(2, 30) if reader.peek(ahead) == "ON"), None)
    if at is None:
        return None
    kind = objects.kind_at(reader, at + 1) or ("INTEGRATION" if reader.peek(at + 1) == "INTEGRATION" else None)
    if kind is None:
        return None
    return lambda: _privileges(reader, account, session, kind)


def _privileges(reader: Reader, account: Account, session: Session, kind: str) -> Result:
    revoke = reader.choose("GRANT", "REVOKE") == "REVOKE"
    names = _names(reader, kind)
    reader.take("ON", *kind.split())
    rights = session.rights(account.catalog)
    owner, target = _target(account, session, rights, kind, reader.path())
    reader.take("FROM" if revoke else "TO")
    reader.accept("ROLE")
    role = reader.identifier()
    option = reader.accept("WITH", "GRANT", "OPTION")
    for words in (("REVOKE", "CURRENT", "GRANTS"), ("COPY", "CURRENT", "GRANTS")):
        reader.accept(*words)
    reader.finish()
    if role not in account.catalog.roles:
        raise failures.missing(shown(role), "Role", table=False)
    if not rights.administers(owner):
        raise failures.insufficient(kind.lower(), target[-1])
    for name in names:
        _set(account, Grant(name, target, role, option, session.role), session, revoke)
    return results.status("Statement executed successfully.")


def show(reader: Reader, account: Account, session: Session) -> Callable[[], Result] | None:
    """Return the work of SHOW GRANTS ON one of these kinds, None for every other."""
    kind = objects.kind_at(reader, 3) or ("INTEGRATION" if reader.peek(3) == "INTEGRATION" else None)
    if (reader.peek(1), reader.peek(2)) != ("GRANTS", "ON") or kind is None:
        return None
    return lambda: _show(reader, account, session, kind)


def _show(reader: Reader, account: Account, session: Session, kind: str) -> Result:
    reader.take("SHOW", "GRANTS", "ON", *kind.split())
    owner, on = _target(account, session, session.rights(account.catalog), kind, reader.path())
    reader.finish()
    listing = Listing(
        ("t:created_on", "privilege", "granted_on", "name", "granted_to", "grantee_name", "grant_option",
         "granted_by_role_type", "granted_by")
    )  # fmt: skip
    label, name = kind.replace(" ", "_"), ".".join(map(shown, on[1:]))
    listing.add((session.now, "OWNERSHIP", label, name, "ROLE", owner, "true", "ROLE", ""))
    for grant, at in sorted(account.catalog.grants.items(), key=lambda item: (item[0].role, item[0].privilege)):
        if grant.on == on:
            option = str(grant.option).lower()
            listing.add((at, grant.privilege, label, name, "ROLE", grant.role, option, "ROLE", grant.by))
    return listing.result()


def _names(reader: Reader, kind: str) -> list[str]:
    if reader.accept("ALL"):
        reader.accept("PRIVILEGES")
        return sorted(_PRIVILEGES[kind] - {"OWNERSHIP"})
    names = [reader.identifier()]
    while reader.accept(","):
        names.append(reader.identifier())
    if not set(names) <= _PRIVILEGES[kind]:
        raise failures.compilation("001003", "42000", f"syntax error unexpected '{', '.join(names)}'.")
    return names


def _target(
    account: Account, session: Session, rights: Rights, kind: str, path: list[str]
) -> tuple[str, tuple[str, ...]]:
    manages = rights.on_account("MANAGE GRANTS")
    if kind == "INTEGRATION":
        integration = account.sign_in.integrations.get(path[0])
        if integration is not None and (manages or rights.owns(integration.owner)):
            return integration.owner, (kind, path[0])
        raise failures.missing(shown(path[0]), "Integration", table=False)
    name = session.table_name(path, "GRANT")
    schema = account.catalog.schema(name.parent)
    one = schema.objects.get((kind, name.name)) if schema is not None else None
    if one is None or not (manages or (rights.uses_schema(name.parent) and objects.sees(rights, one))):
        raise failures.missing(str(name), kind.capitalize(), table=False)
    return one.owner, objects.on(one)


def _set(account: Account, grant: Grant, session: Session, revoke: bool) -> None:
    catalog = account.catalog
    if grant.privilege == "OWNERSHIP" and not revoke:
        _give(account, grant)
    elif revoke:
        same = (grant.privilege, grant.on, grant.role)
        catalog.grants = {g: at for g, at in catalog.grants.items() if (g.privilege, g.on, g.role) != same}
    else:
        catalog.grants[grant] = session.now


def _give(account: Account, grant: Grant) -> None:
    if grant.on[0] == "INTEGRATION":
        account.sign_in.integrations[grant.on[1]].owner = grant.role
        return
    name = TableName(*grant.on[1:])
    schema = account.catalog.schema(name.parent)
    if schema is not None:
        schema.objects[(grant.on[0], name.name)].owner = grant.role
