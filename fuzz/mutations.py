"""Ways to rewrite a statement that has to be refused so that it still has to be. Pure: a text and dice in, a text out.

Each keeps the meaning (case, comments, blanks, quotes), wraps the statement in another, or sets beside it what makes it
no better. None takes anything away from the statement that made it refusable.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from fuzz.pieces import Piece, joined, pieces

Mutation = Callable[[Random, str], str]

_COMMENTS = (
    "/**/",
    "/* x */",
    "/* SELECT 1 FROM orders */",
    "/*/**/",
    "-- x\n",
    "// y\n",
    "--\n",
    "/* ' */",
    '/* " */',
)
_BLANKS = (" ", "\t", "\n", "\r\n", "  ", "\n\n", " \t ")
_ODD_BLANKS = ("\r", "\x0b", "\x0c", "\u00a0", "\u2028", "\u2029", "\u0085", "\u200b", "\ufeff", "\x00", "\u3000")
_ALIKE = {
    "A": "АΑＡ", "B": "ВΒＢ", "C": "СＣ", "E": "ЕΕＥ", "H": "НΗＨ", "I": "ІΙＩıİ", "K": "КΚＫK", "M": "МΜＭ",
    "O": "ОΟＯ",
    "P": "РΡＰ", "S": "ЅＳſ", "T": "ТΤＴ", "X": "ХΧＸ", "Y": "УΥＹ",
}  # fmt: skip
_BEFORE_NAMES = frozenset(("FROM", "JOIN", "INTO", "UPDATE", "TABLE", "VIEW"))
# What stands before a bracket and would, quoted, no longer hold a query: `"IN" (SELECT …)`.
_BEFORE_BRACKETS = frozenset(
    (
        *("ALL", "ANY", "ARRAY", "AS", "BY", "CASE", "EXISTS", "FROM", "IN", "LATERAL", "NOT", "OVER", "SELECT"),
        *("AND", "OR", "ON", "WHEN", "WHERE", "THEN", "ELSE", "UNION", "EXCEPT", "MINUS", "INTERSECT", "LIMIT"),
        *("QUALIFY", "VALUES"),
    )
)
_KEYWORDS = frozenset(
    ("ACCOUNT", "IDENTIFIER", "LATERAL", "NEXTVAL", "SELECT", "TABLE", "VALUES", "SCHEMA", "DATABASE")
)
_WRAPPERS = (
    "({})", "(({}))", "SELECT * FROM ({}) q", "SELECT ({}) AS x", "SELECT 1 FROM orders WHERE EXISTS ({})",
    "WITH q AS ({}) SELECT * FROM q", "WITH q AS ({}) SELECT 1", "WITH a AS (SELECT 1), b AS ({}) SELECT * FROM a, b",
    "WITH RECURSIVE q AS ({}) SELECT * FROM q", "WITH orders AS ({}) SELECT * FROM orders", "EXPLAIN {}",
    "EXPLAIN USING JSON {}", "CREATE TABLE ops.made AS {}", "CREATE OR REPLACE VIEW ops.made AS {}",
    "INSERT INTO orders {}", "{} UNION ALL SELECT 1", "SELECT 1 UNION {}", "SELECT 1 EXCEPT {}", "SELECT 1 MINUS {}",
    "SELECT * FROM orders o, LATERAL ({}) l", "SELECT * FROM orders WHERE order_id IN ({})",
    "SELECT CASE WHEN EXISTS ({}) THEN 1 END", "SELECT * FROM orders ORDER BY ({})", "SELECT COALESCE(({}), 1)",
    "MERGE INTO orders t USING ({}) s ON t.a = s.a WHEN MATCHED THEN DELETE",
    "SELECT * FROM orders JOIN ({}) j ON TRUE",
    "SELECT ARRAY_AGG(({})) FROM orders", "SELECT SUM(total) OVER (ORDER BY ({})) FROM orders",
    "SELECT * FROM orders QUALIFY ROW_NUMBER() OVER (PARTITION BY ({}) ORDER BY 1) = 1",
    "SELECT * FROM (VALUES (({}))) v", "SELECT {{'a': ({})}}", "SELECT [({})]", "SELECT * FROM TABLE(FLATTEN(({})))",
)  # fmt: skip
_BESIDE = (
    "{}; SELECT 1", "SELECT 1; {}", "{};{}", "; {}", "{} ->> SELECT * FROM $1", "SELECT 1 ->> {}", "BEGIN {}; END",
    "EXECUTE IMMEDIATE $${}$$", "BEGIN; {}; COMMIT", "{} \n/* tail */", "-- head\n{}", "/* head */{}",
)  # fmt: skip


def case(dice: Random, sql: str) -> str:
    """Write the letters of words in random case."""
    return joined([_recased(dice, piece) for piece in pieces(sql)])


def _recased(dice: Random, piece: Piece) -> Piece:
    if piece.kind != "word" or not piece.text.isascii():
        return piece
    return Piece(piece.kind, "".join(dice.choice((c.lower(), c.upper())) for c in piece.text))


def comments(dice: Random, sql: str) -> str:
    """Put comments where blanks are, and around dots and brackets."""
    return _sprinkled(dice, sql, _COMMENTS)


def blanks(dice: Random, sql: str) -> str:
    """Put other blanks and line ends beside those there are."""
    return _sprinkled(dice, sql, _BLANKS)


def odd_blanks(dice: Random, sql: str) -> str:
    """Put characters in that only some readers take for blanks or line ends."""
    return _sprinkled(dice, sql, _ODD_BLANKS, rate=0.15)


def _sprinkled(dice: Random, sql: str, what: tuple[str, ...], rate: float = 0.3) -> str:
    made: list[str] = []
    for piece in pieces(sql):
        made.append(piece.text)
        place = piece.kind == "space" or piece.text in (".", "(", ")", ",")
        if place and dice.random() < rate:
            made.append(dice.choice(what))
    return "".join(made)


def _names(parts: list[Piece]) -> list[int]:
    """Return where names stand: beside a dot, after FROM and its like, before a bracket or arrow; not keywords.

    NEXTVAL is left out: under another name it is a column.
    """
    found = []
    solid = [i for i, piece in enumerate(parts) if piece.kind not in ("space", "comment")]
    for before, i, after in zip([None, *solid], solid, [*solid[1:], None], strict=False):
        left = parts[before].text.upper() if before is not None else ""
        right = parts[after].text if after is not None else ""
        word = parts[i].text.strip('"').upper()
        name = "." in (left, right) or left in _BEFORE_NAMES or (right in ("(", "=") and word not in _BEFORE_BRACKETS)
        if parts[i].kind in ("word", "quoted") and name and word not in _KEYWORDS:
            found.append(i)
    return found


def quoting(dice: Random, sql: str) -> str:
    """Quote names of objects, functions and arguments, under the name they stand for."""
    parts = pieces(sql)
    for i in _names(parts):
        if parts[i].kind == "word" and parts[i].text.isascii() and dice.random() < 0.5:
            parts[i] = Piece("quoted", f'"{parts[i].text.upper()}"')
    return joined(parts)


def brackets(dice: Random, sql: str) -> str:
    """Put brackets around a number, a string or the whole text, many deep."""
    parts = pieces(sql)
    spots = [i for i, piece in enumerate(parts) if piece.kind in ("number", "string")]
    depth = dice.choice((1, 2, 5, 40))
    if not spots or dice.random() < 0.3:
        return "(" * depth + sql + "\n" + ")" * depth
    spot = dice.choice(spots)
    parts[spot] = Piece("sign", "(" * depth + parts[spot].text + ")" * depth)
    return joined(parts)


def lookalikes(dice: Random, sql: str) -> str:
    """Write one letter of a name as another that looks the same or folds to it."""
    parts = pieces(sql)
    spots = [i for i in _names(parts) if any(c.upper() in _ALIKE for c in parts[i].text)]
    if not spots:
        return sql
    spot = dice.choice(spots)
    text = parts[spot].text
    at = dice.choice([i for i, c in enumerate(text) if c.upper() in _ALIKE])
    parts[spot] = Piece("word", text[:at] + dice.choice(_ALIKE[text[at].upper()]) + text[at + 1 :])
    return joined(parts)


def wrapped(dice: Random, sql: str) -> str:
    """Put the statement inside another."""
    return dice.choice(_WRAPPERS).format(sql.rstrip(" ;\n") + dice.choice(("", "", "\n")))


def beside(dice: Random, sql: str) -> str:
    """Put another statement beside this one."""
    template = dice.choice(_BESIDE)
    return template.replace("{}", sql)


KEEPING: tuple[Mutation, ...] = (case, comments, blanks, odd_blanks, quoting, brackets, lookalikes)
MOVING: tuple[Mutation, ...] = (wrapped, beside)
