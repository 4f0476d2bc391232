"""The `meanings` directive: a table out of a mapping in the code, so that a reference page cannot fall behind it.

    ```{meanings} skipass.errors.MEANINGS
    :heading: Code
    :beside: skipass.errors.KINDS
    :beside-heading: Kind
    ```

The argument and `beside` are dotted paths to mappings from a name to a text; both have the same names.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import Directive, directives
from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata


def mapping_at(path: str) -> Mapping[str, str]:
    """Return the mapping a dotted path names, or raise what importing it raises."""
    module, _, name = path.rpartition(".")
    value = getattr(importlib.import_module(module), name)
    if not isinstance(value, Mapping):
        raise TypeError(f"{path} is not a mapping")
    return value


def rows_of(meanings: Mapping[str, str], beside: Mapping[str, str] | None) -> list[list[str]]:
    """Return one row a name, sorted: the name, what stands beside it, its meaning."""
    return [[name, *([str(beside[name])] if beside else []), meanings[name]] for name in sorted(meanings)]


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> nodes.table:
    """Return a table whose first column is set as code."""
    group = nodes.tgroup(cols=len(headings))
    group += [nodes.colspec(colwidth=1) for _ in headings]
    group += nodes.thead("", _row([prose(heading) for heading in headings]))
    code = [nodes.paragraph("", "", nodes.literal("", row[0])) for row in rows]
    group += nodes.tbody("", *(_row([first, *map(prose, row[1:])]) for first, row in zip(code, rows, strict=True)))
    return nodes.table("", group)


def prose(text: str) -> nodes.paragraph:
    """Return a paragraph whose pieces in backquotes are set as code."""
    pieces = re.split(r"`([^`]+)`", re.sub(r"\s+", " ", text).strip())
    return nodes.paragraph("", "", *(nodes.literal("", p) if i % 2 else nodes.Text(p) for i, p in enumerate(pieces)))


def _row(cells: Sequence[nodes.Node]) -> nodes.row:
    return nodes.row("", *(nodes.entry("", cell) for cell in cells))


class Meanings(Directive):
    """Renders the mapping at a dotted path as a table."""

    required_arguments = 1
    option_spec: ClassVar[dict[str, Any]] = {
        "heading": directives.unchanged,
        "beside": directives.unchanged,
        "beside-heading": directives.unchanged,
    }

    def run(self) -> list[nodes.Node]:
        """Return the table."""
        beside = self.options.get("beside")
        headings = [self.options.get("heading", "Name"), "Meaning"]
        if beside:
            headings.insert(1, self.options.get("beside-heading", ""))
        return [table(headings, rows_of(mapping_at(self.arguments[0]), mapping_at(beside) if beside else None))]


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the directive."""
    app.add_directive("meanings", Meanings)
    return {"version": "1", "parallel_read_safe": True}
