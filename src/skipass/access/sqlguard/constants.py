"""Names inside constants, stages, and the arguments of a call: what several readers take from tokens alike.

Knows tokens and names; must not know the tree or a scope.
"""

from __future__ import annotations

from collections.abc import Sequence

from skipass.access.sqlguard.findings import Findings, Ref, Role
from skipass.access.sqlguard.lexer import Lex, Token
from skipass.access.sqlguard.names import Chain, Insert, missing, parse_name, render


def stage(found: Findings, text: str, role: Role, position: int, *, inside: int = 0) -> None:
    """Note a stage given as `@DB.SCHEMA.STAGE/path`; `inside` is how far into a string the text begins."""
    name, at = text[1:].split("/", 1)[0], position + inside + 1
    if name.startswith("~"):
        return found.special("@~", role, position, "The user stage belongs to the login, not to a scope.")
    table = "%" in name
    parts = parse_name(name.replace("%", "", 1))
    resolved = found.name(parts or (), (), position)
    if parts is None or resolved is None:
        return None
    last = render(resolved[2:])
    shown = f"@{render(resolved[:2])}.{'%' if table else ''}{last}"
    found.refs.append(Ref(shown, resolved, role, position))
    if None in parts or not text.isascii():
        found.refuse(shown, "Name the stage in full.", "unparseable")
    if prefix := missing(len(parts), found.place):
        found.inserts.append(Insert(at, prefix))
    if table:
        found.refuse(shown, "The files of a table stage are not the table.")
    return None


def text_of(token: Token) -> str | None:
    """Return the content of a constant, or None when it holds escapes and so no exact position inside it."""
    content = token.text[2:-2] if token.kind is Lex.DOLLAR else token.text[1:-1]
    return None if "\\" in content or "'" in content or "$$" in content else content


def text_name(found: Findings, token: Token, *roles: Role) -> tuple[str, str, str] | None:
    """Note an object named in a constant, and what has to be inserted inside the constant to qualify it."""
    content = text_of(token)
    parts = parse_name(content) if content is not None else None
    if content is None or parts is None:
        found.puzzle(token.text, "This constant is not an object name.")
        return None
    at = token.start + (2 if token.kind is Lex.DOLLAR else 1)
    chain = Chain(0, 0, at, parts, at + content.index(".") + 1 if None in parts else None)
    return found.chain(chain, *roles)


def closing(tokens: Sequence[Token], bracket: int) -> int:
    """Return the index of the bracket that closes the one at `bracket`."""
    depth = 0
    for i in range(bracket, len(tokens)):
        word = tokens[i].word
        depth += (word in ("(", "[", "{")) - (word in (")", "]", "}"))
        if depth == 0:
            return i
    return len(tokens)


def split_arguments(tokens: Sequence[Token], bracket: int) -> list[list[int]]:
    """Return the token indices of each argument inside the brackets that open at `bracket`."""
    arguments: list[list[int]] = [[]]
    depth = 0
    for i in range(bracket + 1, closing(tokens, bracket)):
        word = tokens[i].word
        depth += (word in ("(", "[", "{")) - (word in (")", "]", "}"))
        if word == "," and depth == 0:
            arguments.append([])
        else:
            arguments[-1].append(i)
    return arguments
