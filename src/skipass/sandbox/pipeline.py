"""What kind of statement it is and who runs it; several statements in one request; what the SQL API refuses.

Source: https://docs.snowflake.com/en/developer-guide/sql-api/intro, .../submitting-multiple-statements.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from sqlglot import exp

from skipass.sandbox import (
    accounts,
    administration,
    binds,
    datapolicies,
    ddl,
    explain,
    failures,
    grants,
    lexer,
    procedures,
    reads,
    renames,
    results,
    schemaobjects,
    sessionstate,
    show,
    undrop,
    writes,
)
from skipass.sandbox.execution import Execution, parsed
from skipass.sandbox.grammar import Reader
from skipass.sandbox.lexer import Token
from skipass.sandbox.results import Result
from skipass.sandbox.statements import Output, Statement

_SESSION = frozenset({"USE", "SET", "UNSET", "BEGIN", "START", "COMMIT", "ROLLBACK"})
_FILES = frozenset({"PUT", "GET", "LIST", "LS", "REMOVE", "RM"})
_QUERY = frozenset({"SELECT", "WITH", "(", "VALUES"})
_TREE = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE", "TRUNCATE", "CREATE", "ALTER", "DROP", "COMMENT"})
_REFUSED = frozenset({"EXECUTE", "COPY", "DECLARE", "ANALYZE", "DESCRIBE", "SHOW"})
_ADMIN = frozenset(accounts.KINDS)
Children = Callable[[str], Statement]


def single(execution: Execution, text: str) -> Output:
    """Run the one statement that the text must be; the API's own refusals come before any privilege."""
    tokens = _tokens(text)
    parts = lexer.split(tokens)
    if len(parts) != 1:
        raise failures.statement_count(len(parts), 1)
    _refuse_alone(parts[0])
    return one(execution, _text(text, parts[0]))


def _tokens(text: str) -> list[Token]:
    tokens = lexer.tokenize(text)
    lexer.check_bounds(tokens)
    if not lexer.split(tokens):
        raise failures.compilation("000900", "42000", "Empty SQL statement.")
    return tokens


def _text(text: str, part: list[Token]) -> str:
    return text[part[0].start : part[-1].end]


def _refuse_alone(part: list[Token]) -> None:
    first, second = part[0].upper, part[1].upper if len(part) > 1 else ""
    temporary = first == "CREATE" and any(token.upper in ("TEMP", "TEMPORARY") for token in part[1:4])
    if first in _SESSION or first in _FILES or temporary or (first == "ALTER" and second == "SESSION"):
        raise failures.unsupported_statement("CREATE_TEMPORARY" if temporary else first)


def one(execution: Execution, text: str) -> Output:
    """Run one statement of any kind in the execution's session."""
    tokens = lexer.tokenize(text)
    lexer.check_bounds(tokens)
    first, kind = tokens[0].upper, _object(tokens)
    if first in _FILES:
        raise failures.unsupported_statement(first)
    if first in _SESSION or (first == "ALTER" and kind == "SESSION"):
        return execution.listed(sessionstate.run(execution, Reader(text, tokens), first))
    if (administered := administration.run(execution, text, tokens)) is not None:
        return administered
    if first in ("SHOW", "DESC", "DESCRIBE"):
        return _locked(execution, lambda: show.run(Reader(text, tokens), execution.account, execution.session))
    if first in ("GRANT", "REVOKE"):
        return _locked(
            execution, lambda: grants.run(Reader(text, tokens), execution.account.catalog, execution.session)
        )
    if (work := _catalogue(execution, text, tokens, kind)) is not None:
        return _locked(execution, work)
    if first == "EXPLAIN":
        return explain.run(execution, text, Reader(text, tokens))
    return _parsed(execution, text, tokens)


def _catalogue(execution: Execution, text: str, tokens: list[Token], kind: str) -> Callable[[], Result] | None:
    """Return what a statement on objects does that are made of the catalogue alone; None for any other."""
    first, reader = tokens[0].upper, Reader(text, tokens)
    if datapolicies.concerns(reader):
        return lambda: datapolicies.run(execution, reader)
    if first == "UNDROP":
        return lambda: _undrop(execution, reader)
    if first in ("CREATE", "ALTER", "DROP") and kind in schemaobjects.KINDS:
        return lambda: schemaobjects.run(execution, reader)
    if first in ("CREATE", "ALTER", "DROP") and kind in _ADMIN:
        return lambda: _administer(execution, reader)
    return None


def _object(tokens: list[Token]) -> str:
    words = [token.upper for token in tokens[1:5]]
    while words and words[0] in ("OR", "REPLACE", "TRANSIENT", "SECURE"):
        words.pop(0)
    return words[0] if words else ""


def _locked(execution: Execution, work: Callable[[], Result]) -> Output:
    with execution.account.lock:
        return execution.listed(work())


def _administer(execution: Execution, reader: Reader) -> Result:
    catalog = execution.account.catalog
    if execution.run.writing:
        execution.run.commit()  # DDL ends an open transaction, as it does there
    if renames.concerns(reader):
        return renames.run(reader, catalog, execution.session)
    answer = accounts.run(reader, catalog, execution.session)
    with execution.run.transaction():
        undrop.purge(execution)
    return answer


def _undrop(execution: Execution, reader: Reader) -> Result:
    with execution.run.transaction():
        return undrop.run(execution, reader)


def _parsed(execution: Execution, text: str, tokens: list[Token]) -> Output:
    first = tokens[0].upper
    if first == "CALL":
        return procedures.call(execution, text, tokens, one)
    if first not in _QUERY and first not in _TREE:
        if first in _REFUSED:
            raise failures.unsupported(first)
        raise failures.syntax(*lexer.place(text, tokens[0].start), tokens[0].text)
    tree = binds.substitute(parsed(binds.numbered(text, tokens)), execution.bindings)
    if isinstance(tree, exp.Query):
        return reads.run(execution, text, tree)
    if isinstance(tree, writes.KINDS):
        return execution.listed(writes.run(execution, text, tree))
    if isinstance(tree, ddl.KINDS):
        return execution.listed(ddl.run(execution, text, tree))
    raise failures.unsupported(first)


def several(execution: Execution, text: str, count: int, child: Children) -> Output:
    """Run the statements of one request in order; `count` 0 takes any number. A failure stops the rest.

    `child` accepts one statement and returns its record, which is finished here.
    """
    tokens = _tokens(text)
    parts = lexer.split(tokens)
    if count and len(parts) != count:
        raise failures.statement_count(len(parts), count)
    execution.need_warehouse()
    try:
        handles = _each(execution, text, parts, child)
    finally:
        ddl.drop_temporary(execution)
    sentence = "Multiple statements executed successfully."
    answer = execution.listed(Result([results.text_column("multiple statement execution")], [[sentence]]))
    answer.children = handles
    return answer


def _each(execution: Execution, text: str, parts: list[list[Token]], child: Children) -> list[str]:
    handles: list[str] = []
    for part in parts:
        own = _text(text, part)
        record = child(own)
        handles.append(record.handle)
        execution.handle = record.handle
        try:
            output = one(execution, own)
        except failures.Failure as failure:
            record.finish(execution.account.now(), None, failure)
            line, position = lexer.place(text, part[0].start)
            raise _stopped(failure, own, line, position) from None
        record.finish(execution.account.now(), output, None)
        execution.session.last_handle = record.handle
    return handles


def _stopped(failure: failures.Failure, text: str, line: int, position: int) -> failures.Failure:
    if failure.code in ("000604", "000630"):
        return failure
    message = (
        "JavaScript execution error: Uncaught Execution of multiple statements failed on statement "
        f"{json.dumps(text, ensure_ascii=False)} (at line {line}, position {position}).\n{failure.message}"
    )
    return failures.Failure("100132", "P0000", message)
