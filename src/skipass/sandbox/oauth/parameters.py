"""Account, database and schema parameters about signing in: bound issuers, advertised scopes, network policy.

A schema's value comes before its database's, a database's before the account's.
Source: https://docs.snowflake.com/en/sql-reference/parameters.
"""

from __future__ import annotations

from skipass.sandbox import failures, refusals, results, zones
from skipass.sandbox.account import Account
from skipass.sandbox.catalog import on_schema
from skipass.sandbox.grammar import Reader
from skipass.sandbox.names import SchemaName, shown
from skipass.sandbox.oauth import options
from skipass.sandbox.oauth.model import EXTERNAL
from skipass.sandbox.results import Result
from skipass.sandbox.session import Session

SERVER, SCOPES, POLICY = "OAUTH_AUTHORIZATION_SERVER", "OAUTH_SCOPES_SUPPORTED", "NETWORK_POLICY"
BLOCKED = "OAUTH_ADD_PRIVILEGED_ROLES_TO_BLOCKED_LIST"
EXTERNAL_BLOCKED = "EXTERNAL_OAUTH_ADD_PRIVILEGED_ROLES_TO_BLOCKED_LIST"
_OF_ACCOUNT = (POLICY, BLOCKED, EXTERNAL_BLOCKED, "TIMEZONE")
_KNOWN = (SERVER, SCOPES, *_OF_ACCOUNT)
_KINDS = ("ACCOUNT", "DATABASE", "SCHEMA")


def concerns(reader: Reader) -> bool:
    """Tell whether an ALTER is about one of these parameters."""
    if reader.peek(1) not in _KINDS:
        return False
    return any(reader.peek(ahead) in _KNOWN for ahead in range(3, 9))


def alter(reader: Reader, account: Account, session: Session) -> Result:
    """Carry out ALTER ACCOUNT | DATABASE d | SCHEMA s SET or UNSET of these parameters."""
    reader.take("ALTER")
    kind = reader.choose(*_KINDS) or ""
    on = _target(reader, account, session, kind)
    if reader.choose("SET", "UNSET") == "UNSET":
        names = [reader.identifier()]
        while reader.accept(","):
            names.append(reader.identifier())
        reader.finish()
        for name in names:
            _set(account, on, name, "")
    else:
        given = options.read(reader)
        for name, values in given.items():
            _check(account, kind, name, values)
        for name, values in given.items():
            _set(account, on, name, ",".join(values))
    return results.status("Statement executed successfully.")


def _target(reader: Reader, account: Account, session: Session, kind: str) -> tuple[str, ...]:
    rights = session.rights(account.catalog)
    if kind == "ACCOUNT":
        if not rights.owns("ACCOUNTADMIN"):
            raise failures.insufficient("account", account.identifier)
        return ("ACCOUNT",)
    path = reader.path()
    if kind == "DATABASE":
        database = account.catalog.databases.get(path[0])
        if database is None or len(path) != 1 or not rights.sees_database(path[0]):
            raise failures.missing(".".join(map(shown, path)), "Database", table=False)
        owner, on = database.owner, ("DATABASE", path[0])
    else:
        name = session.schema_name(path, "ALTER SCHEMA")
        schema = account.catalog.schema(name)
        if schema is None or not rights.sees_schema(name):
            raise failures.missing(str(name), "Schema", table=False)
        owner, on = schema.owner, on_schema(name)  # type: ignore[assignment]
    if not rights.owns(owner):
        raise failures.insufficient(kind.lower(), path[-1])
    return on


def _check(account: Account, kind: str, name: str, values: tuple[str, ...]) -> None:
    value = ",".join(values)
    if name not in _KNOWN or (name in _OF_ACCOUNT and kind != "ACCOUNT"):
        raise refusals.bad_property(name, kind)
    if name in (BLOCKED, EXTERNAL_BLOCKED) and value.upper() not in ("TRUE", "FALSE"):
        raise refusals.bad_value(name, value)
    if name == "TIMEZONE":
        zones.checked(value)
    if name == SERVER:
        one = account.sign_in.integrations.get(value)
        if one is None or one.kind != EXTERNAL:
            raise failures.missing(shown(value), "Integration", table=False)
    if name == POLICY and value.upper() not in account.sign_in.policies:
        raise failures.missing(shown(value), "Network policy", table=False)


def _set(account: Account, on: tuple[str, ...], name: str, value: str) -> None:
    if name == POLICY:
        account.sign_in.account_policy = value.upper()
        return
    kept = account.sign_in.parameters.setdefault(on, {})
    if value:
        kept[name] = value
    else:
        kept.pop(name, None)


def value(account: Account, schema: SchemaName, name: str) -> str | None:
    """Return the parameter as it holds for what is in a schema, None if nobody set it."""
    for on in (on_schema(schema), ("DATABASE", schema.database), ("ACCOUNT",)):
        found = account.sign_in.parameters.get(on, {}).get(name)
        if found is not None:
            return found
    return None


def blocks_privileged(account: Account, name: str) -> bool:
    """Tell whether the account blocks privileged roles whatever an integration lists, as it does by default."""
    return account.sign_in.parameters.get(("ACCOUNT",), {}).get(name, "TRUE").upper() == "TRUE"


def listed(account: Account, on: tuple[str, ...]) -> list[tuple[str, str, str, str, str]]:
    """Return key, value, default, level and type of what holds for an account, a user, a database or a schema."""
    if on[0] == "USER":
        own = account.catalog.users[on[1]].options.get(POLICY, "").upper()
        level = "USER" if own else "ACCOUNT" if account.sign_in.account_policy else ""
        return [(POLICY, own or account.sign_in.account_policy, "", level, "STRING")]
    found = [(name, *_inherited(account, on, name), "STRING") for name in (SERVER, SCOPES)]
    if on[0] == "ACCOUNT":
        policy = account.sign_in.account_policy
        found.append((POLICY, policy, "", "ACCOUNT" if policy else "", "STRING"))
        changed = account.sign_in.parameters.get(on, {})
        for name in (BLOCKED, EXTERNAL_BLOCKED):
            value = str(blocks_privileged(account, name)).lower()
            found.append((name, value, "true", "ACCOUNT" if name in changed else "", "BOOLEAN"))
    return found


def _inherited(account: Account, on: tuple[str, ...], name: str) -> tuple[str, str, str]:
    """Return value, default and level: what is set nearest counts."""
    nearest = [("SCHEMA", *on[1:])] if on[0] == "SCHEMA" else []
    nearest += [("DATABASE", on[1])] if on[0] in ("SCHEMA", "DATABASE") else []
    for one in (*nearest, ("ACCOUNT",)):
        if name in account.sign_in.parameters.get(one, {}):
            return account.sign_in.parameters[one][name], "", one[0]
    return "", "", ""
