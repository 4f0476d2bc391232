"""Stored procedures in SQL: the small part of Snowflake Scripting that tools of MCP servers are built from.

A body is one step, or BEGIN … END around steps: statements, `LET x := …`, `x := …`, `RETURN …`, `RETURN TABLE(…)`.
Arguments and variables are `:x` in SQL. Branches, loops, cursors, handlers and other languages are refused. It knows
how to run no statement: that is handed in.
Source: https://docs.snowflake.com/en/sql-reference/sql/create-procedure and .../developer-guide/snowflake-scripting.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from sqlglot import exp

from skipass.sandbox import failures, lexer, signatures
from skipass.sandbox.catalog import SchemaObject
from skipass.sandbox.cells import Formats
from skipass.sandbox.execution import Execution
from skipass.sandbox.grammar import Reader
from skipass.sandbox.lexer import Token
from skipass.sandbox.names import TableName, stored
from skipass.sandbox.results import ResultColumn
from skipass.sandbox.statements import Output

MAX_DEPTH = 8
_STATEMENTS = frozenset(
    {"SELECT", "WITH", "INSERT", "UPDATE", "DELETE", "MERGE", "TRUNCATE", "CREATE", "ALTER", "DROP", "CALL", "SHOW"}
)
_MOMENT = "YYYY-MM-DD HH24:MI:SS.FF9"
# Cells that are read again: dates and times as text that a cast takes.
_READ = Formats(
    patterns={"date": "YYYY-MM-DD", "time": "HH24:MI:SS.FF9"}
    | dict.fromkeys(("timestamp_ntz", "timestamp_ltz", "timestamp_tz"), _MOMENT)
)
Run = Callable[[Execution, str], Output]


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a body: `run` a statement, `let` a variable be an expression, `return` an expression or a `table`."""

    kind: str
    text: str
    name: str = ""


@dataclass(slots=True)
class _Frame:
    """A call at work: the inner execution, its variables by stored name, and how a statement is run."""

    execution: Execution
    run: Run
    variables: dict[str, exp.Expression] = field(default_factory=dict)


def read(execution: Execution, reader: Reader, name: TableName) -> SchemaObject:
    """Read the rest of CREATE PROCEDURE and return the procedure, once its body was seen to have good steps."""
    arguments = [(parameter, signatures.spelled(kind)) for parameter, kind in signatures.arguments(reader)]
    reader.take("RETURNS")
    returns = _returns(reader)
    comment, rights = _clauses(reader)
    reader.take("AS")
    text = reader.string().strip()
    reader.finish()
    steps(text)
    session = execution.session
    details = {"arguments": json.dumps(arguments), "returns": returns, "rights": rights}
    return SchemaObject("PROCEDURE", name, session.now, session.role, text, comment, details)


def _returns(reader: Reader) -> str:
    if not reader.accept("TABLE"):
        return signatures.spelled(signatures.type_name(reader))
    reader.take("(")
    while not reader.accept(")"):
        reader.token()
    return "TABLE"


def _clauses(reader: Reader) -> tuple[str, str]:
    comment, rights = "", "OWNER"
    while reader.peek() != "AS":
        if reader.accept("LANGUAGE"):
            language = reader.identifier()
            if language != "SQL":
                raise failures.unsupported(f"procedure in {language}")
        elif reader.accept("COMMENT"):
            reader.take("=")
            comment = reader.string()
        elif reader.accept("EXECUTE", "AS"):
            rights = reader.choose("OWNER", "CALLER") or ""
            if not rights:
                raise reader.unexpected()
        elif reader.choose("IMMUTABLE", "VOLATILE", "NOT", "NULL", "STRICT") is None:
            raise reader.unexpected()
    return comment, rights


def steps(text: str) -> list[Step]:
    """Return the steps of a body; a syntax failure or 000002 for what is none."""
    tokens = lexer.tokenize(text)
    lexer.check_bounds(tokens)
    parts = lexer.split(tokens)
    if not parts:
        raise failures.compilation("000900", "42000", "Empty SQL statement.")
    if parts[0][0].upper == "BEGIN":
        if [token.upper for token in parts[-1]] != ["END"]:
            raise failures.syntax(*lexer.place(text, parts[-1][-1].end), "<EOF>")
        parts = [parts[0][1:], *parts[1:-1]]
    return [_step(text, part) for part in parts if part]


def _step(text: str, part: list[Token]) -> Step:
    first = part[0].upper
    if first == "RETURN" and len(part) > 1:
        wrapped = part[1].upper == "TABLE" and len(part) > 4 and part[2].text == "(" and part[-1].text == ")"
        return Step("table", _cut(text, part[3:-1])) if wrapped else Step("return", _cut(text, part[1:]))
    named = part[1:] if first == "LET" else part
    at = next((index for index in range(len(named) - 2) if _assigns(named, index)), None)
    if at is not None and (first == "LET" or at == 1):
        return Step("let", _cut(text, named[at + 2 :]), stored(named[0].text))
    if first not in _STATEMENTS or (first == "CREATE" and any(one.upper.startswith("TEMP") for one in part[1:4])):
        raise failures.unsupported(f"{first} in a procedure")
    return Step("run", _cut(text, part))


def _assigns(part: list[Token], index: int) -> bool:
    return (part[index].text, part[index + 1].text) == (":", "=") and part[index].end == part[index + 1].start


def _cut(text: str, part: list[Token]) -> str:
    return text[part[0].start : part[-1].end]


def call(execution: Execution, text: str, tokens: list[Token], run: Run) -> Output:
    """Run `CALL name(…)` and return what the procedure returns; 000002 for one of the vendor's own."""
    reader = Reader(text, tokens)
    reader.take("CALL")
    path = reader.path()
    if path[-1].startswith("SYSTEM$"):
        raise failures.unsupported(f"CALL {path[-1]}")
    if reader.peek() != "(" or tokens[-1].text != ")":
        raise reader.unexpected()
    opening = next(index for index, token in enumerate(tokens) if token.text == "(")
    name = execution.session.table_name(path, "CALL")
    one = execution.rights().schema_object(name, "PROCEDURE", "USAGE")
    frame = _Frame(_inside(execution, one), run)
    frame.variables |= _arguments(execution, run, one, text, tokens[opening + 1 : -1])
    return _walk(frame, one)


def _inside(execution: Execution, one: SchemaObject) -> Execution:
    """A procedure sees with its owner's rights and from its own schema, unless it was made for its caller's."""
    session = replace(execution.session, depth=execution.session.depth + 1)
    if session.depth > MAX_DEPTH:
        raise failures.unsupported(f"procedures nested more than {MAX_DEPTH} deep")
    if one.details["rights"] == "OWNER":
        session.role, session.secondary = one.owner, False
        session.database, session.schema = one.name.database, one.name.schema
    return replace(execution, session=session, bindings={})


def _arguments(
    execution: Execution, run: Run, one: SchemaObject, text: str, tokens: list[Token]
) -> dict[str, exp.Expression]:
    """Return the arguments as values, each cast to its parameter's type under the rights of the caller."""
    parameters: dict[str, str] = dict(json.loads(one.details["arguments"]))
    given: dict[str, str] = {}
    for part, parameter in zip(_pieces(tokens), parameters, strict=False):
        named = len(part) > 2 and part[1].text == "=>"
        given[stored(part[0].text) if named else parameter] = _cut(text, part[2:] if named else part)
    if len(_pieces(tokens)) != len(parameters) or set(given) != set(parameters):
        raise failures.compilation("001044", "42601", f"Invalid argument types for function '{one.name.name}'")
    if not given:
        return {}
    listed = ", ".join(f"({value})::{parameters[name]}" for name, value in given.items())
    return dict(zip(given, _values(execution, run, f"SELECT {listed}"), strict=True))


def _pieces(tokens: list[Token]) -> list[list[Token]]:
    parts: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        depth += (token.text in ("(", "[", "{")) - (token.text in (")", "]", "}"))
        if token.text == "," and depth == 0:
            parts.append([])
        else:
            parts[-1].append(token)
    return [part for part in parts if part]


def _values(execution: Execution, run: Run, query: str) -> list[exp.Expression]:
    output = run(replace(execution, formats=_READ, row_cap=0), query)
    rows = output.partitions[0].read()
    if output.total_rows != 1:
        raise failures.compilation("090150", "22000", "Single-row subquery returns more than one row.")
    return [_value(column, cell) for column, cell in zip(output.columns, rows[0], strict=True)]


def _value(column: ResultColumn, cell: str | None) -> exp.Expression:
    if cell is None:
        return exp.Null()
    text = exp.Literal.string(cell)
    if column.type in ("variant", "object", "array"):
        return exp.ParseJSON(this=text)
    if column.type == "binary":
        return exp.Unhex(this=text)
    return exp.cast(text, _kind(column), dialect="snowflake") if column.type != "text" else text


def _kind(column: ResultColumn) -> str:
    names = {"fixed": f"NUMBER({column.precision or 38},{column.scale or 0})", "real": "FLOAT"}
    return names.get(column.type, column.type.upper())


def _walk(frame: _Frame, one: SchemaObject) -> Output:
    label = one.name.name.replace('"', '""')
    for step in steps(one.text):
        inner = replace(frame.execution, bindings=_spelled(frame, step.text))
        if step.kind == "run":
            frame.run(inner, step.text)
        elif step.kind == "let":
            frame.variables[step.name] = _values(inner, frame.run, f"SELECT {_colons(frame, step.text)}")[0]
        elif step.kind == "table":
            return frame.run(inner, step.text)
        else:
            return frame.run(inner, f'SELECT ({_colons(frame, step.text)})::{_scalar(one)} AS "{label}"')
    return frame.run(frame.execution, f'SELECT NULL AS "{label}"')


def _spelled(frame: _Frame, text: str) -> dict[str, exp.Expression]:
    """Return the variables as the parser looks for them: as a text spells them, whatever their stored name."""
    words = [token.text for token in lexer.tokenize(text) if token.kind in ("word", "quoted")]
    written = {word.strip('"'): frame.variables.get(stored(word)) for word in words}
    return frame.variables | {word: value for word, value in written.items() if value is not None}


def _scalar(one: SchemaObject) -> str:
    if one.details["returns"] == "TABLE":
        raise failures.unsupported("a value from a procedure that returns a table")
    return one.details["returns"]


def _colons(frame: _Frame, text: str) -> str:
    """Outside SQL a variable goes by its bare name; inside a query that would be a column."""
    tokens = lexer.tokenize(text)
    if any(token.upper == "SELECT" for token in tokens):
        return text
    return "".join(_marked(frame, text, tokens))


def _marked(frame: _Frame, text: str, tokens: list[Token]) -> Iterator[str]:
    last = 0
    for index, token in enumerate(tokens):
        before = tokens[index - 1].text if index else ""
        after = tokens[index + 1].text if index + 1 < len(tokens) else ""
        alone = before not in (".", ":", "::") and after not in (".", "(")
        if alone and token.kind == "word" and stored(token.text) in frame.variables:
            yield f"{text[last : token.start]}:{stored(token.text)}"
            last = token.end
    yield text[last:]
