"""The statement parameters a caller may set: how cells are written, and nothing that changes what a text means.

Source: https://docs.snowflake.com/en/developer-guide/sql-api/reference (parameters of a submit request).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from skipass.errors import SkipassError

FORMATS = frozenset(
    {
        "binary_output_format",
        "date_output_format",
        "time_output_format",
        "timestamp_output_format",
        "timestamp_ntz_output_format",
        "timestamp_ltz_output_format",
        "timestamp_tz_output_format",
        "timezone",
        "rows_per_resultset",
        "use_cached_result",
        "client_result_chunk_size",
    }
)
# Ours to set; a caller's own never travels.
OWN = frozenset({"query_tag", "multi_statement_count"})


def caller_parameters(given: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return what of a caller's parameters travels, names in lower case; raises `invalid_request` for any other."""
    lowered = {name.lower(): value for name, value in (given or {}).items()}
    unknown = sorted(set(lowered) - FORMATS - OWN)
    if unknown:
        message = f"parameters holds {', '.join(repr(name[:40]) for name in unknown[:5])}, which may not be set."
        raise SkipassError("invalid_request", message, f"Known: {', '.join(sorted(FORMATS))}.")
    return {name: value for name, value in lowered.items() if name in FORMATS}
