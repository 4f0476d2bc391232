"""Cortex Search over a query of one's own: BM25 instead of embeddings, filters on attributes, rows as JSON.

The service reads with its owner's rights, as there; who asks needs USAGE on the service alone.
Source: https://docs.snowflake.com/en/sql-reference/sql/create-cortex-search and
.../user-guide/snowflake-cortex/cortex-search/query-cortex-search-service.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from skipass.sandbox import failures
from skipass.sandbox.catalog import SchemaObject
from skipass.sandbox.execution import Execution
from skipass.sandbox.grammar import Reader
from skipass.sandbox.names import TableName

K1, B = 1.2, 0.75
MAX_LIMIT = 1000
_WORD = re.compile(r"\w+")
SearchRow = Mapping[str, str | None]


def create(reader: Reader, execution: Execution, name: TableName) -> SchemaObject:
    """Read the rest of CREATE CORTEX SEARCH SERVICE … ON column [ATTRIBUTES …] options AS query, and try the query."""
    reader.take("ON")
    details = {"column": reader.identifier(), "attributes": ""}
    if reader.accept("ATTRIBUTES"):
        names = [reader.identifier()]
        while reader.accept(","):
            names.append(reader.identifier())
        details["attributes"] = ",".join(names)
    while not reader.accept("AS"):
        reader.identifier()
        reader.take("=")
        reader.token()
    text = reader.rest()
    columns = execution.columns_of(text)
    for column in (details["column"], *filter(None, details["attributes"].split(","))):
        if column not in columns:
            raise failures.invalid_identifier(column)
    session = execution.session
    return SchemaObject("CORTEX SEARCH SERVICE", name, session.now, session.role, text, "", details)


def words(text: str) -> list[str]:
    """Return the words of a text as they are compared: lower case, a plural's `s` left out."""
    found = _WORD.findall(text.lower())
    return [word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word for word in found]


def ranked(query: str, texts: Sequence[str]) -> list[int]:
    """Return the indices of the texts that share a word with the query, best first by BM25, ties in order."""
    bags = [Counter(words(text)) for text in texts]
    mean = sum(bag.total() for bag in bags) / len(bags) if bags else 1.0
    scores = {index: _score(set(words(query)), bag, bags, mean) for index, bag in enumerate(bags)}
    return sorted((index for index, score in scores.items() if score > 0), key=lambda index: (-scores[index], index))


def _score(query: set[str], bag: Counter[str], bags: Sequence[Counter[str]], mean: float) -> float:
    total = 0.0
    for word in query & set(bag):
        having = sum(word in other for other in bags)
        rarity = math.log(1 + (len(bags) - having + 0.5) / (having + 0.5))
        weight = K1 * (1 - B + B * bag.total() / (mean or 1.0))
        total += rarity * bag[word] * (K1 + 1) / (bag[word] + weight)
    return total


def passes(condition: Any, row: SearchRow) -> bool:
    """Tell whether a row meets a filter: @eq, @contains, @gte, @lte, @and, @or, @not over attributes."""
    if not isinstance(condition, dict):
        raise ValueError("a filter is an object")
    if not condition:
        return True
    if len(condition) != 1:
        raise ValueError("a filter has one operator")
    ((operator, value),) = condition.items()
    if operator in ("@and", "@or") and isinstance(value, list):
        met = (passes(one, row) for one in value)
        return all(met) if operator == "@and" else any(met)
    if operator == "@not":
        return not passes(value, row)
    if operator not in _COMPARE or not isinstance(value, dict) or len(value) != 1:
        raise ValueError(f"{operator} is no filter operator")
    ((column, wanted),) = value.items()
    cell = row.get(str(column).upper())
    return cell is not None and _COMPARE[operator](cell, wanted)


def _ordered(cell: str, wanted: Any, sign: int) -> bool:
    try:
        return (float(cell) - float(wanted)) * sign >= 0
    except (TypeError, ValueError):
        return (cell >= str(wanted)) if sign > 0 else (cell <= str(wanted))


_COMPARE: dict[str, Callable[[str, Any], bool]] = {
    "@eq": lambda cell, wanted: cell == (str(wanted).lower() if isinstance(wanted, bool) else str(wanted)),
    "@contains": lambda cell, wanted: str(wanted) in cell,
    "@gte": lambda cell, wanted: _ordered(cell, wanted, 1),
    "@lte": lambda cell, wanted: _ordered(cell, wanted, -1),
}
