"""Names and patterns as callers write them, turned into the stored name or a pattern that means one thing.

Source: https://docs.snowflake.com/en/sql-reference/identifiers-syntax (case and quotes) and
https://docs.snowflake.com/en/sql-reference/functions/like (ESCAPE).
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*", re.ASCII)
_QUOTED = re.compile(r'"((?:[^"]|"")+)"')
_PART = re.compile(r'"(?:[^"]|"")+"|[^."]+')
_ESCAPES = re.compile(r"(?:[^\\]|\\[\\%_])*")
_MOST = 255


def stored(written: str) -> str:
    """Return the name under which an object is stored: a plain name in upper case, any other exactly as it is.

    Raises `ValueError` for what could be read two ways: quotes that do not match, a dot outside of them, and for
    characters that nobody can see.
    """
    if not written.strip() or not written.isprintable():
        raise ValueError("Input should be printable text that is not blank")
    name = _unquoted(written)
    if len(name) > _MOST:
        raise ValueError(f"A name has at most {_MOST} characters")
    return name


def _unquoted(written: str) -> str:
    if _PLAIN.fullmatch(written):
        return written.upper()
    if match := _QUOTED.fullmatch(written):
        return match[1].replace('""', '"')
    if written.startswith('"') or written.endswith('"'):
        raise ValueError('Input should be one name, in double quotes or without; give "" for a quote inside')
    if "." in written:
        raise ValueError(
            "Input should be one name, each part of a dotted one in its own field; a dot inside a name goes into "
            "double quotes"
        )
    return written


def parts(written: str) -> tuple[str, ...]:
    """Return the stored names of a dotted name, dots inside double quotes being part of a name; raises `ValueError`."""
    pieces = _PART.findall(written)
    if ".".join(pieces) != written or len(pieces) > 3:
        raise ValueError("Input should be one to three names, separated by dots")
    return tuple(stored(piece) for piece in pieces)


def _dotted(written: str) -> str:
    parts(written)
    return written


def _pattern(written: str) -> str:
    if not written or not written.isprintable():
        raise ValueError("Input should be a pattern of printable text")
    if len(written) > _MOST:
        raise ValueError(f"A pattern has at most {_MOST} characters")
    if not _ESCAPES.fullmatch(written):
        raise ValueError(r"A backslash stands before %, _ or another backslash")
    return written


Identifier = Annotated[str, AfterValidator(stored)]
DottedName = Annotated[str, AfterValidator(_dotted)]
Pattern = Annotated[str, AfterValidator(_pattern)]
