"""How a text divides into words, strings, comments and operators, as one regular expression.

Each piece is matched by itself, from where the one before ended; nothing looks back. Knows no limits and no statement.
Source: Snowflake documentation, "String & binary data types" (literals), "Identifier requirements", "Comments".
"""

from __future__ import annotations

import re

_NAME = r'(?:[^\W\d][\w$]*|"(?:[^"]|"")+")'
# Blanks, and then exactly one of the groups: `odd` takes what no other does, so that no character is passed over.
_PIECE = r"""[ \t\r\n]*(?:
    (?P<url>URL)
    |(?P<word>[^\W\d][\w$]*)
    |(?P<line>(?:--|//)[^\n\r\v\f\x85\u2028\u2029]*)
    |(?P<block>/\*.*?\*/)
    |(?P<op>->>|->|=>|::|:=|<>|!=|<=|>=|\|\||/(?!\*)|[-()\[\]{},;.+*%<>=!:?|])
    |(?P<number>\d+(?:\.\d+|\.(?![\w."]))?(?:[eE][+-]?\d+)?)
    |(?P<string>'[^'\\]*(?:(?:''|\\.)[^'\\]*)*')
    |(?P<quoted>"[^"]*(?:""[^"]*)*")
    |(?P<dollar>\$\$.*?\$\$)
    |(?P<variable>\$(?:\d+|[A-Za-z_][\w$]*))
    |(?P<stage>@(?:~|%NAME|NAME(?:\.NAME)?(?:\.%?NAME)?)(?:/[^\s,;()'"]*)?)
    |(?P<odd>.)|(?P<end>\Z))
    """.replace("NAME", _NAME)
_FLAGS = re.VERBOSE | re.DOTALL
SCANNER = re.compile(_PIECE.replace("URL", "(?!)"), _FLAGS)
# PUT and GET name a local file as a bare URL, whose slashes would otherwise read as a comment.
FILE_SCANNER = re.compile(_PIECE.replace("URL", r"[A-Za-z][A-Za-z0-9]*://[^\s;]*"), _FLAGS)
