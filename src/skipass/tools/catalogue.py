"""The catalogue: every tool, in one fixed order."""

from __future__ import annotations

from skipass.tools.lookup_tools import LOOKUP_TOOLS
from skipass.tools.session_tools import SESSION_TOOLS
from skipass.tools.spec import ToolSpec
from skipass.tools.statement_tools import STATEMENT_TOOLS

__all__ = ["CATALOGUE", "ToolSpec"]

CATALOGUE: tuple[ToolSpec, ...] = (*SESSION_TOOLS, *STATEMENT_TOOLS, *LOOKUP_TOOLS)
