"""The pages about the client agree with it."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path

import pytest

from skipass.snowflake import errors
from skipass.snowflake.auth import grants

DOCS = Path(__file__).parents[2] / "docs"
PAGES = sorted([*DOCS.glob("how-to/snowflake-*.md"), *DOCS.glob("reference/snowflake-*.md")])
KINDS = [
    *("fixed", "real", "decfloat", "text", "boolean", "binary", "date", "time", "timestamp_ntz", "timestamp_ltz"),
    *("timestamp_tz", "variant", "object", "array", "geography", "geometry", "vector"),
]
BLOCK = re.compile(r"```python\n(.*?)```", re.S)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_examples_name_what_exists(page: Path) -> None:
    """Every example compiles and imports only names that are there."""
    for block in BLOCK.findall(page.read_text()):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom):
                module = importlib.import_module(node.module or "")
                assert {alias.name for alias in node.names} <= set(dir(module))


def test_every_error_is_on_the_page() -> None:
    """The table of errors has each class of the tree."""
    page = (DOCS / "reference" / "snowflake-errors.md").read_text()
    for module in (errors, grants):
        for name, found in vars(module).items():
            if isinstance(found, type) and issubclass(found, errors.SnowflakeError):
                assert f"`{name}`" in page


def test_every_type_is_on_the_page() -> None:
    """The table of types has each type of the SQL API."""
    page = (DOCS / "reference" / "snowflake-types.md").read_text()
    assert all(f"`{kind}`" in page for kind in KINDS)
