"""Statements about signing in and about what agents are offered: one place that tells them from all others.

Integrations, network policies, consents, access tokens, account parameters, MCP servers and what their tools stand on.
A statement of any other kind is left to the rest of the account.
"""

from __future__ import annotations

from collections.abc import Callable

from skipass.sandbox import failures, openpoints
from skipass.sandbox.account import Account
from skipass.sandbox.execution import Execution
from skipass.sandbox.grammar import Reader
from skipass.sandbox.lexer import Token
from skipass.sandbox.mcp import objectgrants, objects, semantic
from skipass.sandbox.names import shown
from skipass.sandbox.oauth import consents, integrations, parameters, pats, policies, shim
from skipass.sandbox.results import Result
from skipass.sandbox.session import Session
from skipass.sandbox.statements import Output

_LISTS: dict[tuple[str, ...], Callable[[Reader, Account, Session], Result]] = {
    ("INTEGRATIONS",): integrations.show,
    ("SECURITY", "INTEGRATIONS"): integrations.show,
    ("NETWORK", "POLICIES"): policies.show,
    ("DELEGATED", "AUTHORIZATIONS"): consents.show,
    ("USER", "PROGRAMMATIC", "ACCESS", "TOKENS"): pats.show,
    ("USER", "PATS"): pats.show,
    ("MCP", "SERVERS"): objects.lister("MCP SERVER"),
    ("CORTEX", "SEARCH", "SERVICES"): objects.lister("CORTEX SEARCH SERVICE"),
    ("SEMANTIC", "VIEWS"): objects.lister("SEMANTIC VIEW"),
    ("AGENTS",): objects.lister("AGENT"),
}
_USER_PARTS = {"ADD", "REMOVE", "MODIFY", "ROTATE"}


def run(execution: Execution, text: str, tokens: list[Token]) -> Output | None:
    """Run a statement of this room and return its output, or None for a statement that is not one."""
    reader = Reader(text, tokens)
    work = _work(execution, reader)
    if work is None:
        return None
    if execution.run.writing and reader.peek() not in ("SELECT", "SHOW"):
        execution.run.commit()  # DDL ends an open transaction, as it does there
    with execution.account.lock:
        return execution.listed(work())


def _work(execution: Execution, reader: Reader) -> Callable[[], Result] | None:
    account, session = execution.account, execution.session
    first = reader.peek()
    if first == "SELECT":
        return shim.statement(reader, account, session)
    if first == "CALL":
        return semantic.statement(reader, execution)
    if first == "SHOW":
        return _show(reader, account, session)
    if first in ("DESC", "DESCRIBE"):
        return _describe(reader, account, session)
    if first in ("GRANT", "REVOKE"):
        return objectgrants.privileges(reader, account, session)
    if first in ("CREATE", "ALTER", "DROP"):
        return _change(reader, execution, first)
    return None


def _show(reader: Reader, account: Account, session: Session) -> Callable[[], Result] | None:
    for words, answer in _LISTS.items():
        if tuple(reader.peek(index + 1) for index in range(len(words))) == words:
            reader.take("SHOW", *words)
            return lambda answer=answer: _listed(answer, reader, account, session)  # type: ignore[misc]
    return objectgrants.show(reader, account, session)


def _listed(
    answer: Callable[[Reader, Account, Session], Result], reader: Reader, account: Account, session: Session
) -> Result:
    return openpoints.listing(account.switches, answer(reader, account, session))


def _describe(reader: Reader, account: Account, session: Session) -> Callable[[], Result] | None:
    words = (reader.peek(1), reader.peek(2))
    if words[0] == "INTEGRATION" or words == ("SECURITY", "INTEGRATION"):
        reader.token()
        reader.accept("SECURITY")
        reader.take("INTEGRATION")
        return lambda: integrations.describe(reader, account, session)
    if words == ("NETWORK", "POLICY"):
        _skip(reader, 3)
        return lambda: policies.describe(reader, account, session)
    kind = objects.kind_at(reader, 1)
    if kind is None:
        return None
    reader.token()
    reader.take(*kind.split())
    return lambda: objects.describe(reader, account, session, kind)


def _change(reader: Reader, execution: Execution, verb: str) -> Callable[[], Result] | None:
    account, session = execution.account, execution.session
    skip = 3 if (reader.peek(1), reader.peek(2)) == ("OR", "REPLACE") else 1
    words = (reader.peek(skip), reader.peek(skip + 1))
    replace = skip == 3
    if words[0] == "INTEGRATION" or words == ("SECURITY", "INTEGRATION"):
        _skip(reader, skip + (2 if words[0] == "SECURITY" else 1))
        return lambda: _integration(reader, account, session, verb, replace)
    if words == ("NETWORK", "POLICY"):
        _skip(reader, skip + 2)
        return lambda: policies.run(reader, account, session, verb, replace=replace)
    kind = objects.kind_at(reader, skip)
    if kind is not None:
        _skip(reader, skip + len(kind.split()))
        return lambda: objects.change(reader, execution, kind, verb, replace=replace)
    if words[0] == "USER":
        policies.check_named(reader, account)
    if verb == "ALTER" and words[0] == "USER":
        return _user(reader, account, session)
    if verb == "ALTER" and parameters.concerns(reader):
        return lambda: parameters.alter(reader, account, session)
    return None


def _skip(reader: Reader, count: int) -> None:
    for _ in range(count):
        reader.token()


def _integration(reader: Reader, account: Account, session: Session, verb: str, replace: bool) -> Result:
    if verb == "CREATE":
        return integrations.create(reader, account, session, replace=replace)
    return (integrations.alter if verb == "ALTER" else integrations.drop)(reader, account, session)


def _user(reader: Reader, account: Account, session: Session) -> Callable[[], Result] | None:
    """ALTER USER [IF EXISTS] [u] ADD, REMOVE, MODIFY, ROTATE …; without a name it is about oneself."""
    named = 4 if (reader.peek(2), reader.peek(3)) == ("IF", "EXISTS") else 2
    verb_at = named if reader.peek(named) in _USER_PARTS else named + 1
    if reader.peek(verb_at) not in _USER_PARTS or reader.peek(verb_at + 1) not in ("DELEGATED", "PROGRAMMATIC", "PAT"):
        return None
    delegated = reader.peek(verb_at + 1) == "DELEGATED"
    _skip(reader, named)
    name = session.user.name if verb_at == named else reader.identifier()

    def work() -> Result:
        user = account.catalog.users.get(name)
        if user is None:
            raise failures.missing(shown(name), "User", table=False)
        return (consents.alter if delegated else pats.alter)(reader, account, session, user)

    return work
