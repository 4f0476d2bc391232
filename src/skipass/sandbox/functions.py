"""Functions that DuckDB must not or cannot answer: the session's context, SYSTEM$ ones, and division.

Everything named here becomes a literal or a plain expression before DuckDB sees the statement; a function that is
neither known to the parser nor listed here is 002139. Source: https://docs.snowflake.com/en/sql-reference/functions-context.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from skipass.sandbox import failures, translate
from skipass.sandbox.privileges import available_roles
from skipass.sandbox.session import Session

MAX_WAIT_SECONDS = 3600
_UNITS = {"SECONDS": 1.0, "SECOND": 1.0, "MILLISECONDS": 0.001, "MINUTES": 60.0, "HOURS": 3600.0}
_PLAIN = frozenset(
    {
        "ZEROIFNULL", "NULLIFZERO", "BITAND", "BITOR", "BITXOR", "SQUARE", "CBRT", "RADIANS", "DEGREES", "PI", "SIN",
        "COS", "TAN", "ASIN", "ACOS", "ATAN", "ATAN2", "COT", "FACTORIAL", "TRUNC", "SIGN", "EXP", "TRANSLATE",
        "ASCII", "UNICODE", "INITCAP", "INSERT", "MODE", "REGR_SLOPE", "REGR_INTERCEPT", "KURTOSIS", "SKEWNESS",
    }
    | translate.NAMES
)  # fmt: skip
_FILES = tuple(
    kind
    for name in ("ReadCSV", "ReadParquet", "ReadText", "ReadBlob", "Glob_", "LoadFile")
    if (kind := getattr(exp, name, None)) is not None
)


@dataclass(frozen=True, slots=True)
class Host:
    """What functions may ask of the account around the statement."""

    organization: str
    account: str
    locator: str
    region: str
    session: Session
    statement_id: str
    roles: Callable[[], frozenset[str]]
    wait: Callable[[float], None]
    system: Mapping[str, Callable[[list[str]], str | None]]
    active: Callable[[], frozenset[str]] = frozenset
    is_function: Callable[[list[str]], bool] = lambda _: False


def rewrite(tree: Any, host: Host) -> Any:
    """Return the tree with the functions of this module replaced; 002139 for an unknown one."""
    return tree.transform(lambda node: _replace(node, host), copy=False)


def _replace(node: Any, host: Host) -> Any:
    if isinstance(node, exp.Cast):
        return _text_of_path(node)
    if isinstance(node, exp.Struct):
        return _keys_as_text(node)
    if isinstance(node, (exp.Parameter, exp.SessionParameter)):
        return _variable(node, host)
    if not isinstance(node, exp.Func) or isinstance(node, (exp.Cast, exp.Case, exp.If, exp.And, exp.Or)):
        return node
    return _function(node, host)


def _function(node: Any, host: Host) -> Any:
    if isinstance(node, _FILES):
        raise failures.unknown_function(node.sql_name())
    anonymous = isinstance(node, (exp.Anonymous, exp.AnonymousAggFunc))
    name = (str(node.this) if anonymous else node.sql_name()).upper()
    if name in _CONTEXT:
        value = _CONTEXT[name](host)
        return exp.Null() if value is None else exp.Literal.string(value)
    if name in _MOMENTS:
        return _moment(_MOMENTS["SYSDATE" if node.args.get("sysdate") else name], host)
    if name == "IS_ROLE_IN_SESSION" and node.expressions:
        return exp.convert(node.expressions[0].name in host.active())
    if name in _SYSTEM:
        return _SYSTEM[name](node, host)
    if name in host.system:
        told = host.system[name]([_plain_text(one) for one in node.expressions])
        return exp.Null() if told is None else exp.Literal.string(told)
    if anonymous and host.is_function(_path(node)):
        node.meta["sf_own"] = True
        return node
    if anonymous and (name not in _PLAIN or isinstance(node.parent, exp.Dot)) and not _is_table(node):
        raise failures.unknown_function(name)
    return node


def _plain_text(argument: Any) -> str:
    return str(argument.this).upper() if isinstance(argument, exp.Boolean) else argument.name


def _path(node: Any) -> list[str]:
    """Return the stored parts of a function's name, outer ones first."""
    parts = [_stored(str(node.this), False)]
    holder = node.parent
    while isinstance(holder, exp.Dot) and len(parts) == 1:
        parts = [
            _stored(one.name, bool(one.args.get("quoted"))) for one in holder.this.find_all(exp.Identifier)
        ] + parts
    return parts


def _stored(name: str, quoted: bool) -> str:
    return name if quoted else name.upper()


def _is_table(node: Any) -> bool:
    """Tell whether a call stands where a table does; names there are the resolver's business."""
    holder = node.parent
    while isinstance(holder, exp.Dot):
        holder = holder.parent
    return isinstance(holder, (exp.Table, exp.TableFromRows))


def _variable(node: Any, host: Host) -> Any:
    name = node.name.upper()
    if name.isdigit():
        return node  # the column at that place, once its source is known
    if name not in host.session.variables:
        raise failures.compilation(
            "000904", "42000", f"error line 1 at position 0\nSession variable '${name}' does not exist"
        )
    return exp.Literal.string(host.session.variables[name])


def _keys_as_text(node: Any) -> Any:
    """The keys of an object literal are text, whatever identifiers become later."""
    for pair in node.expressions:
        if isinstance(pair, exp.PropertyEQ) and isinstance(pair.this, exp.Identifier):
            pair.set("this", exp.Literal.string(pair.this.name))
    return node


def _text_of_path(node: Any) -> Any:
    """A path into a VARIANT that is cast gives the value itself, not its JSON text with quotes."""
    path = node.this
    if isinstance(path, exp.JSONExtract) and node.to.this not in (exp.DType.VARIANT, exp.DType.JSON):
        node.set("this", exp.JSONExtractScalar(**{key: value for key, value in path.args.items() if key in _PATH}))
    return node


_PATH = ("this", "expression", "only_json_types")


def _secondary(host: Host) -> str:
    session = host.session
    roles = ",".join(sorted(session.user.roles - {session.role})) if session.secondary else ""
    return json.dumps({"roles": roles, "value": "ALL" if session.secondary else ""}, separators=(",", ":"))


_CONTEXT: dict[str, Callable[[Host], str | None]] = {
    "CURRENT_ROLE": lambda host: host.session.role,
    "CURRENT_USER": lambda host: host.session.user.name,
    "CURRENT_WAREHOUSE": lambda host: host.session.warehouse,
    "CURRENT_DATABASE": lambda host: host.session.database,
    "CURRENT_CATALOG": lambda host: host.session.database,
    "CURRENT_SCHEMA": lambda host: host.session.schema,
    "CURRENT_ACCOUNT": lambda host: host.locator,
    "CURRENT_ACCOUNT_NAME": lambda host: host.account,
    "CURRENT_ORGANIZATION_NAME": lambda host: host.organization,
    "CURRENT_REGION": lambda host: host.region,
    "CURRENT_SECONDARY_ROLES": _secondary,
    "CURRENT_AVAILABLE_ROLES": lambda host: json.dumps(sorted(host.roles())),
    "CURRENT_STATEMENT": lambda host: host.statement_id,
    "CURRENT_SESSION": lambda host: host.statement_id,
    "CURRENT_VERSION": lambda _: "9.0.0",
    "CURRENT_CLIENT": lambda _: "SQL API",
    "INVOKER_ROLE": lambda host: host.session.role,
    "LAST_QUERY_ID": lambda host: host.session.last_handle,
    "CURRENT_IP_ADDRESS": lambda _: "127.0.0.1",
    "CURRENT_TRANSACTION": lambda _: None,
}
_MOMENTS = {
    "CURRENT_TIMESTAMP": (exp.DType.TIMESTAMPLTZ,),
    "LOCALTIMESTAMP": (exp.DType.TIMESTAMPLTZ,),
    "SYSDATE": (exp.DType.TIMESTAMP,),
    "CURRENT_DATE": (exp.DType.TIMESTAMPLTZ, exp.DType.DATE),
    "CURRENT_TIME": (exp.DType.TIMESTAMPLTZ, exp.DType.TIMESTAMP, exp.DType.TIME),
    "LOCALTIME": (exp.DType.TIMESTAMPLTZ, exp.DType.TIMESTAMP, exp.DType.TIME),
}


def _moment(kinds: tuple[exp.DType, ...], host: Host) -> Any:
    """Return the request's time, cast through types that make a local time of it; without a zone it is UTC."""
    zone = "+00:00" if kinds[0] is exp.DType.TIMESTAMPLTZ else ""
    value: Any = exp.Literal.string(host.session.now.strftime("%Y-%m-%d %H:%M:%S.%f") + zone)
    for kind in kinds:
        value = exp.Cast(this=value, to=exp.DataType(this=kind))
    return value


def _wait(node: Any, host: Host) -> Any:
    amount = node.expressions[0] if node.expressions else None
    if not isinstance(amount, exp.Literal) or amount.is_string:
        raise failures.compilation("001044", "42601", "Invalid argument types for function 'SYSTEM$WAIT'")
    unit = node.expressions[1].name.upper() if len(node.expressions) > 1 else "SECONDS"
    if unit not in _UNITS:
        raise failures.compilation("001008", "22023", f"invalid value [{unit}] for parameter 'TIME_UNIT'")
    host.wait(min(float(amount.this) * _UNITS[unit], MAX_WAIT_SECONDS))
    return exp.Literal.string(f"waited {amount.this} {unit.lower()}")


_SYSTEM: dict[str, Callable[[Any, Host], Any]] = {
    "SYSTEM$WAIT": _wait,
}


def roles_of(host_catalog: Any, session: Session) -> frozenset[str]:
    """Return the roles that CURRENT_AVAILABLE_ROLES lists."""
    return available_roles(host_catalog, session.user)
