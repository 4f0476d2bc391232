"""From the credential to what the role may do: sign-in, user, role, warehouse, privileges."""

from __future__ import annotations

from skipass.errors import SkipassError
from skipass.gateway.doctor.findings import Check, Finding, failed, ok, unseen
from skipass.gateway.doctor.login import behind
from skipass.gateway.doctor.patient import Patient, properties
from skipass.gateway.way_out import Out
from skipass.nouns.connection import AuthMethod
from skipass.snowflake.setup_sql.text import name


async def credential(on: Patient) -> Finding | None:
    """Look whether the caller has a way to Snowflake at all."""
    if on.out is not None:
        return ok("credential", on.out.credential.fingerprint)
    named, method = on.connection.name, on.connection.auth_method
    if method is AuthMethod.EXTERNAL_OAUTH_ISSUER:
        cause = "The gateway vouches only for a person who signed in lately and whose Snowflake login is known."
        fix = f"skipass connection map-login {named} USER LOGIN, then sign in again"
    elif on.connection.per_user:
        cause, fix = "You have no linked account here, and those of others are not used.", _link(named)
    else:
        cause, fix = "The connection's credential was revoked or never given.", "Add the connection again."
    return failed("credential", "no_credential", "there is no active credential", cause, fix)


def _link(connection: str) -> str:
    return f"skipass account link {connection}"


async def identity(on: Patient) -> Finding | None:
    """Sign in, and ask who that is."""
    if on.out is None:
        return unseen("sign-in", "there is no credential")
    try:
        answer = await on.system.ask("identity", on.out, role=on.role)
    except SkipassError as error:
        return await behind(on) or await on.refused("sign-in", error)
    on.identity = answer.rows[0]
    return ok("sign-in", f"{on.identity['LOGIN']} on {on.identity['ACCOUNT']}")


async def user(on: Patient) -> Finding | None:
    """Look at the user's defaults, with an admin's eyes or its own."""
    login = on.identity.get("LOGIN")
    if login is None or on.out is None:
        return unseen("user", "nobody is signed in")
    try:
        shown = await on.as_admin("user", user=login)
        shown = shown or await on.system.ask("user", on.out, role=on.role, names={"user": login})
    except SkipassError as error:
        return unseen("user", error.message, "--admin-connection NAME may see the user")
    on.user = properties(shown)
    role, warehouse = on.user.get("DEFAULT_ROLE"), on.user.get("DEFAULT_WAREHOUSE")
    if not role:
        cause = "Whoever names no role gets PUBLIC: what works for others fails for this user."
        return failed("user", "default_role", "DEFAULT_ROLE is not set", cause,
                      f"ALTER USER {name(login)} SET DEFAULT_ROLE = {name(on.role)};")  # fmt: skip
    if not warehouse and (on.server is not None or on.connection.warehouse is None):
        return on.has("user", "default_warehouse", "DEFAULT_WAREHOUSE is not set")
    return ok("user", f"default role {role}, default warehouse {warehouse or 'none'}")


async def role(on: Patient) -> Finding | None:
    """Look whether the session has the role that was asked for, and no other beside it."""
    seen = on.identity.get("ROLE") or "none"
    secondary = (on.identity.get("SECONDARY_ROLES") or "").replace(" ", "")
    if seen != on.role:
        return on.has("role", "role", f"the session's role is {seen}")
    if secondary and '"roles":""' not in secondary:
        cause = "Secondary roles come along, so that more can be read than the role allows."
        return failed("role", "secondary_roles", secondary, cause,
                      f"ALTER USER {on.known['user']} SET DEFAULT_SECONDARY_ROLES = ();")  # fmt: skip
    return ok("role", seen)


async def warehouse(on: Patient) -> Finding | None:
    """Look whether there is a warehouse, and whether a session can be in it."""
    wanted = on.connection.warehouse
    if on.out is None:
        return unseen("warehouse", "nobody is signed in")
    if wanted is None:
        default = on.identity.get("WAREHOUSE")
        if default:
            return ok("warehouse", f"{default}, the user's default")
        return on.has("warehouse", "warehouse", "neither the connection nor the user names one")
    try:
        answer = await on.system.ask("identity", on.out, role=on.role, warehouse=wanted)
    except SkipassError as error:
        return await on.refused("warehouse", error)
    got = answer.rows[0].get("WAREHOUSE")
    if got != wanted:
        return on.has("warehouse", "warehouse", f"{wanted} was asked for, the session has {got or 'none'}")
    return await _usable(on, on.out, wanted)


async def _usable(on: Patient, out: Out, wanted: str) -> Finding:
    """Look the warehouse up among those the role may use: being named in a session does not need a privilege."""
    try:
        shown = await on.system.ask("warehouses", out, role=on.role)
    except SkipassError as error:
        return unseen("warehouse", error.message, error.hint)
    row = next((one for one in shown.rows if one.get("NAME") == wanted), None)
    if row is None:
        listed = ", ".join(str(one.get("NAME")) for one in shown.rows)
        return on.has("warehouse", "warehouse", f"{wanted} is not among those of the role: {listed or 'none'}")
    if row.get("STATE") == "SUSPENDED" and row.get("AUTO_RESUME") == "false":
        cause = "It is suspended, and nobody but its owner wakes it."
        return failed("warehouse", "warehouse_suspended", f"{wanted} is suspended", cause,
                      f"ALTER WAREHOUSE {name(wanted)} SET AUTO_RESUME = TRUE;")  # fmt: skip
    return ok("warehouse", wanted)


async def privileges(on: Patient) -> Finding | None:
    """Look into the connection's own schema."""
    database, schema = on.connection.database, on.connection.schema
    if on.out is None or database is None or schema is None:
        return unseen("privileges", "the connection names no schema", "Set its database and schema.")
    names = {"database": database, "schema": schema}
    try:
        answer = await on.system.ask("tables", on.out, role=on.role, names=names)
    except SkipassError as error:
        seen = error.message
        cause = "The schema does not exist, or the role has no USAGE on it and its database."
        own = f"{name(database)}.{name(schema)}"
        grants = f"GRANT USAGE ON DATABASE {name(database)} TO ROLE {name(on.role)}; "
        return failed("privileges", "privileges", seen, cause,
                      f"{grants}GRANT USAGE ON SCHEMA {own} TO ROLE {name(on.role)};")  # fmt: skip
    if not answer.rows:
        cause = "The role may enter the schema and sees nothing in it."
        return failed("privileges", "no_tables", f"no table of {database}.{schema} is visible", cause,
                      f"GRANT SELECT ON ALL TABLES IN SCHEMA {name(database)}.{name(schema)} "
                      f"TO ROLE {name(on.role)};")  # fmt: skip
    return ok("privileges", f"tables of {database}.{schema} are visible")


_BEFORE = ("connection", "account", "credential", "client", "scope", "integration", "token endpoint", "claims")
CREDENTIAL = Check("credential", (), credential)
CHECKS = (
    Check("sign-in", _BEFORE, identity),
    Check("user", ("sign-in",), user),
    Check("role", ("sign-in",), role),
    Check("warehouse", ("sign-in",), warehouse),
    Check("privileges", ("sign-in", "role"), privileges),
)
