"""The statement guard: what one Snowflake SQL text is, what it touches, and whether a scope lets it run.

Pure, apart from `GuardPool`, which keeps long texts off the event loop. Everything not understood is denied.
Knows nouns and errors only; beside the sandbox, the only room that may import the SQL parser.
"""

from __future__ import annotations

from skipass.access.sqlguard.guard import check
from skipass.access.sqlguard.lexer import DEFAULT, Limits
from skipass.access.sqlguard.lines import check_lines
from skipass.access.sqlguard.pool import GuardPool
from skipass.access.sqlguard.scopes import canonical_scope
from skipass.access.sqlguard.words import explain

__all__ = ["DEFAULT", "GuardPool", "Limits", "canonical_scope", "check", "check_lines", "explain"]
