"""SQL as a person reads it: every hidden character spelled out, keywords, texts, numbers and comments told apart.

What is shown is the text itself in its own order; where the highlighter would lose or move a character, it is left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from skipass.surfaces.edge.visible import visible

if TYPE_CHECKING:
    from markupsafe import Markup

MOST = 20_000
"""Longer texts are shown up to here; all of it is in the record."""


def highlighted(text: str) -> Markup:
    """Return up to `MOST` characters of SQL as HTML; nothing of the text is markup."""
    from markupsafe import Markup
    from pygments.lexers.sql import SqlLexer

    shown = text[:MOST]
    pieces = [(kind, part) for _, kind, part in SqlLexer().get_tokens_unprocessed(shown)]
    if "".join(part for _, part in pieces) != shown:
        return Markup("{}").format(visible(shown))
    return Markup("").join(_marked(_class(kind), visible(part)) for kind, part in pieces)


def _marked(name: str, part: str) -> Markup:
    from markupsafe import Markup, escape

    return Markup('<span class="{}">{}</span>').format(name, part) if name else escape(part)


def _class(kind: object) -> str:
    """Return the style's class of a token, empty for what is left as it is."""
    from pygments.token import Comment, Keyword, Number, String

    names = ((Keyword, "k"), (String, "s"), (Number, "m"), (Comment, "c"))
    return next((name for of, name in names if kind in of), "")
