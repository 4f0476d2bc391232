"""The words a tool's input may choose from; upper or lower case, a space or an underscore make no difference."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, TypeVar

from pydantic import BeforeValidator

E = TypeVar("E", bound=StrEnum)


class Format(StrEnum):
    """How the text form of rows is laid out."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


class Listed(StrEnum):
    """What `snowflake_show_databases_schemas` lists."""

    DATABASES = "databases"
    SCHEMAS = "schemas"


class ConstraintType(StrEnum):
    """The kinds of constraint that TABLE_CONSTRAINTS knows."""

    PRIMARY_KEY = "PRIMARY KEY"
    FOREIGN_KEY = "FOREIGN KEY"
    UNIQUE = "UNIQUE"


class Direction(StrEnum):
    """`imported`: the keys a table holds on others. `exported`: those others hold on it."""

    IMPORTED = "imported"
    EXPORTED = "exported"


class GrantView(StrEnum):
    """Which way grants are looked at."""

    TO_ROLE = "to_role"
    TO_USER = "to_user"
    OF_ROLE = "of_role"
    ON_OBJECT = "on_object"


class GrantObject(StrEnum):
    """What grants may be looked at on."""

    TABLE = "table"
    VIEW = "view"
    SCHEMA = "schema"
    DATABASE = "database"
    WAREHOUSE = "warehouse"
    ACCOUNT = "account"


class Described(StrEnum):
    """What can be described."""

    TABLE = "table"
    VIEW = "view"
    MATERIALIZED_VIEW = "materialized view"
    DYNAMIC_TABLE = "dynamic table"
    EXTERNAL_TABLE = "external table"
    SEQUENCE = "sequence"
    STREAM = "stream"
    FILE_FORMAT = "file format"
    SCHEMA = "schema"
    DATABASE = "database"


def _chosen(choices: type[E]) -> Callable[[object], object]:
    by_fold = {_fold(one): one for one in choices}
    return lambda value: by_fold.get(_fold(value), value) if isinstance(value, str) else value


def _fold(word: str) -> str:
    return word.strip().replace("_", " ").lower()


AnyFormat = Annotated[Format, BeforeValidator(_chosen(Format))]
AnyListed = Annotated[Listed, BeforeValidator(_chosen(Listed))]
AnyConstraintType = Annotated[ConstraintType, BeforeValidator(_chosen(ConstraintType))]
AnyDirection = Annotated[Direction, BeforeValidator(_chosen(Direction))]
AnyGrantView = Annotated[GrantView, BeforeValidator(_chosen(GrantView))]
AnyGrantObject = Annotated[GrantObject, BeforeValidator(_chosen(GrantObject))]
AnyDescribed = Annotated[Described, BeforeValidator(_chosen(Described))]
