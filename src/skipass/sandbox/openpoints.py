"""What the documentation leaves open about answers, read as the account's switches say.

Knows no framework and no request.
"""

from __future__ import annotations

from skipass.sandbox.account import Switches
from skipass.sandbox.failures import Failure
from skipass.sandbox.results import Result, widened

_ROLE = "role_refusal_status"
_OPEN = {
    "000630": "timeout_status",
    "390186": _ROLE,
    "390189": _ROLE,
    "390317": _ROLE,
    "390422": "network_policy_status",
    "391902": "accept_status",
}


def status(switches: Switches, failure: Failure) -> int:
    """Return the HTTP status that the account answers this failure with."""
    name = _OPEN.get(failure.code)
    return failure.status if name is None else int(getattr(switches, name))


def listing(switches: Switches, result: Result) -> Result:
    """Return a listing in the documented columns, or as a later release of the account may have it."""
    return widened(result) if switches.show_columns == "more" else result
