"""The error tree mirrors the server's codes, and imports stay small."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from skipass.errors import KINDS, MEANINGS, Kind, SkipassError
from skipass.sdk import GatewayError, codes
from skipass.sdk import errors as tree
from skipass.sdk.errors import error_from, error_of

SORTS = {
    Kind.INVALID: tree.InvalidCall,
    Kind.UNAUTHENTICATED: tree.NotSignedIn,
    Kind.FORBIDDEN: tree.NotPermitted,
    Kind.NOT_FOUND: tree.NotThere,
    Kind.CONFLICT: tree.Conflicting,
    Kind.TOO_LARGE: tree.TooLarge,
    Kind.REFUSED: tree.Refused,
    Kind.UNAVAILABLE: tree.Unavailable,
    Kind.UPSTREAM: tree.UpstreamFailed,
    Kind.INTERNAL: tree.InternalFailure,
}


@pytest.mark.parametrize("code", KINDS)
def test_every_code_has_its_class(code: str) -> None:
    """A code's class is named after it, says what it means, and is of the sort that the code is."""
    kind = getattr(codes, "".join(word.capitalize() for word in code.split("_")))
    error = error_of(code)
    assert type(error) is kind
    assert (kind.__doc__, kind.__bases__) == (MEANINGS[code], (SORTS[KINDS[code]],))
    assert (error.code, kind().code, error.kind) == (code, code, KINDS[code])
    assert isinstance(error, GatewayError)
    assert isinstance(error, SkipassError)


def test_no_class_is_of_a_code_that_is_gone() -> None:
    """There are as many classes as codes."""
    own = [one for one in vars(codes).values() if isinstance(one, type) and one.__module__ == codes.__name__]
    assert len(own) == len(KINDS)


def test_a_code_of_a_newer_gateway_is_still_an_error() -> None:
    """What this library does not know yet is raised with everything the gateway said."""
    said = {"code": "from_tomorrow", "message": "m", "hint": "h", "retryable": True, "details": {"a": 1}}
    error = error_from({"error": said}, 422)
    assert type(error) is GatewayError
    assert (error.as_dict(), error.status, error.kind) == (said, 422, Kind.INTERNAL)


@pytest.mark.parametrize("body", [None, [], {}, {"error": "x"}, {"error": {"code": 5}}])
def test_what_is_no_error_of_a_gateway_is_not_taken_for_one(body: object) -> None:
    """A proxy's page or another service's JSON gives no code."""
    assert error_from(body, 500) is None


@pytest.mark.parametrize("module", ["skipass", "skipass.sdk"])
def test_importing_brings_neither_server_nor_http(module: str) -> None:
    """The package, and the client too, import without the HTTP library, pydantic, a framework or the server."""
    code = f"import json, sys, {module}; print(json.dumps(sorted(sys.modules)))"
    found = json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
    heavy = {"aiohttp", "pydantic", "fastapi", "starlette", "sqlglot", "pyarrow", "pandas", "agents", "anthropic"}
    assert heavy.isdisjoint(found)
    assert not [name for name in found if name.startswith(("skipass.gateway", "skipass.surfaces", "skipass.app"))]
    assert ("skipass.sdk" in found) is (module == "skipass.sdk")
