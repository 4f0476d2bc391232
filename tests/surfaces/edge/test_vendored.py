"""The scripts of others that we carry are those of one version each, unchanged, with their licence beside them."""

from __future__ import annotations

import hashlib
from importlib.resources import files

import orjson
import pytest

from skipass.surfaces.edge.pages import shared_file

PLACE = files("skipass.surfaces.edge") / "vendored"
NAMED = orjson.loads((PLACE / "vendored.json").read_bytes())


@pytest.mark.parametrize("one", NAMED, ids=lambda one: one["file"])
def test_a_script_is_the_one_that_was_named(one: dict[str, str]) -> None:
    """Its bytes are those of the version in its name, and nothing but a new name changes them for a browser."""
    assert one["version"] in one["file"]
    reply = shared_file(one["file"])
    assert reply is not None
    assert hashlib.sha256(reply.body).hexdigest() == one["sha256"]
    assert "immutable" in reply.headers["cache-control"]
    assert "Permission to use, copy, modify" in (PLACE / one["license_file"]).read_text()


def test_nothing_is_carried_that_is_not_named() -> None:
    """Every file there is a named script, its licence, or the list."""
    expected = {one[what] for one in NAMED for what in ("file", "license_file")} | {"vendored.json"}
    assert {one.name for one in PLACE.iterdir()} == expected


def test_what_is_ours_is_asked_for_anew() -> None:
    """A script or a style without a version in its name is not kept by a browser."""
    for name in ("live.js", "style.css"):
        reply = shared_file(name)
        assert reply is not None
        assert reply.headers["cache-control"] == "no-store"
