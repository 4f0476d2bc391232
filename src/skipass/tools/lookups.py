"""The input of every tool that looks something up: what there is, how it is built, who may, what a table holds.

Names are already what Snowflake stores them under; the statement each becomes is made in `skipass.tools.statements`.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from skipass.tools.choices import (
    AnyConstraintType,
    AnyDescribed,
    AnyDirection,
    AnyGrantObject,
    AnyGrantView,
    AnyListed,
    Described,
)
from skipass.tools.fields import AsText, Bindings, Name, SessionId, Text
from skipass.tools.inputs import InSession, ToolInput
from skipass.tools.names import DottedName, Identifier, Pattern

MOST_ROWS = 1_000
MOST_SAMPLED = 100
_HOW = "A plain name means its upper case; one in double quotes is exact."

Database = Annotated[
    Identifier | None,
    Field(description="Database; the session's current one when left out.", examples=["OPS_DB"]),
]
OneDatabase = Annotated[Identifier, Field(description=f"Database to look into. {_HOW}", examples=["OPS_DB"])]
Schema = Annotated[Identifier | None, Field(description="Only this schema.", examples=["OPS"])]
KeySchema = Annotated[
    Identifier | None,
    Field(description="Schema; the session's current one when left out.", examples=["OPS"]),
]
Table = Annotated[Identifier | None, Field(description="Only this table.", examples=["ORDERS"])]
OneTable = Annotated[Identifier, Field(description=f"Table or view. {_HOW}", examples=["ORDERS"])]
Like = Annotated[
    Pattern | None,
    Field(
        description="Only names like this, in any case: % any text, _ one character.",
        examples=["ORD%"],
    ),
]
EscapedLike = Annotated[
    Pattern | None,
    Field(
        description=(r"Only names like this, in any case: % any text, _ one character, \_ an underscore."),
        examples=["ORD%"],
    ),
]
Limit = Annotated[int, Field(ge=1, le=MOST_ROWS, description="Rows at most.", examples=[50])]


class ShowDatabasesSchemas(InSession):
    """Input of `snowflake_show_databases_schemas`."""

    object_type: AnyListed = Field(description="What to list.", examples=["schemas"])
    database_name: Annotated[
        Identifier | None,
        Field(
            description="Only for schemas: the database they are in; the session's, else any, when left out.",
            examples=["OPS_DB"],
        ),
    ] = None
    like_pattern: Like = None


class GetSchemata(InSession):
    """Input of `snowflake_get_schemata`."""

    database: OneDatabase
    schema_like: EscapedLike = None
    limit: Limit = 100


class GetTables(InSession):
    """Input of `snowflake_get_tables`."""

    database: OneDatabase
    schema_: Schema = Field(default=None, alias="schema")
    table_name_like: EscapedLike = None
    limit: Limit = 100


class GetColumns(InSession):
    """Input of `snowflake_get_columns`."""

    database: OneDatabase
    schema_: Schema = Field(default=None, alias="schema")
    table: Table = None
    column_name_like: EscapedLike = None
    limit: Limit = 500


class GetTableConstraints(InSession):
    """Input of `snowflake_get_table_constraints`."""

    database: OneDatabase
    constraint_type: AnyConstraintType | None = Field(
        default=None, description="Only constraints of this type.", examples=["PRIMARY KEY"]
    )
    schema_: Schema = Field(default=None, alias="schema")
    table: Table = None
    limit: Limit = 100


class GetReferentialConstraints(InSession):
    """Input of `snowflake_get_referential_constraints`."""

    database: OneDatabase
    schema_: Schema = Field(default=None, alias="schema")
    table: Annotated[
        Identifier | None, Field(description="Only the foreign keys that this table holds.", examples=["ORDERS"])
    ] = None
    limit: Limit = 100


class ShowPrimaryKeys(InSession):
    """Input of `snowflake_show_primary_keys`."""

    database_name: Database = None
    schema_name: KeySchema = None
    table_name: Table = None


class ShowImportedExportedKeys(InSession):
    """Input of `snowflake_show_imported_exported_keys`."""

    key_direction: AnyDirection = Field(
        description="imported: the foreign keys this table holds. exported: those of other tables that point at it.",
        examples=["imported"],
    )
    table_name: OneTable
    database_name: Database = None
    schema_name: KeySchema = None


class ShowWarehouses(InSession):
    """Input of `snowflake_show_warehouses`."""

    like_pattern: Like = None


class ShowGrants(InSession):
    """Input of `snowflake_show_grants`."""

    grant_view: AnyGrantView = Field(
        description=(
            "to_role: what a role may do. to_user: which roles a user has. of_role: who has a role. on_object: who may "
            "do what with an object."
        ),
        examples=["to_role"],
    )
    role_name: Identifier | None = Field(
        default=None, description="The role, for to_role and of_role.", examples=["AGENT_ROLE"]
    )
    user_name: Identifier | None = Field(default=None, description="The user, for to_user.")
    object_type: AnyGrantObject | None = Field(default=None, description="What sort of object, for on_object.")
    object_name: DottedName | None = Field(
        default=None,
        description=(
            "The object, for on_object (not for the account). A table, view or schema may be given with its database "
            "and schema, parts separated by dots; what is missing is the session's."
        ),
    )


class DescribeObject(InSession):
    """Input of `snowflake_describe_object`."""

    object_name: Identifier = Field(description=f"Name of the object. {_HOW}", examples=["ORDERS"])
    object_type: AnyDescribed = Field(default=Described.TABLE, description="What sort of object it is.")
    database: Database = None
    schema_: KeySchema = Field(default=None, alias="schema")


class SampleTable(InSession):
    """Input of `snowflake_sample_table`."""

    table: OneTable
    database: Database = None
    schema_: KeySchema = Field(default=None, alias="schema")
    columns: Annotated[tuple[Identifier, ...], Field(strict=False)] = Field(
        default=(), max_length=100, description="Only these columns; all when left out.", examples=[["ORDER_ID"]]
    )
    limit: int = Field(default=10, ge=1, le=MOST_SAMPLED, description="Rows at most.", examples=[10])


class Explain(InSession):
    """Input of `snowflake_explain`."""

    statement: Text = Field(
        description="The SQL statement to plan; it is not run. Use ? for bind values.",
        examples=["SELECT status, COUNT(*) FROM ops.orders GROUP BY status"],
    )
    bindings: Bindings | None = Field(
        default=None,
        description='Bind values by position, such as {"1": {"type": "TEXT", "value": "open"}}.',
        examples=[{"1": {"type": "FIXED", "value": "42"}}],
    )
    database: Name | None = Field(
        default=None, description="Current database for unqualified names.", examples=["OPS_DB"]
    )
    schema_: Name | None = Field(
        default=None, alias="schema", description="Current schema for unqualified names.", examples=["OPS"]
    )


class QueryHistory(ToolInput):
    """Input of `snowflake_query_history`."""

    session_id: SessionId = None
    limit: int = Field(default=20, ge=1, le=200, description="Statements at most, the newest first.", examples=[20])
    format: AsText = None
