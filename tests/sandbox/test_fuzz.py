"""Statements made of real ones: cut, joined and changed, they are answered, and reach nothing outside the account."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from sandbox import slt
from sandbox.client import Client
from sandbox.fixture import fixture_account
from skipass.sandbox.testing import RunningSandbox, running_sandbox

# Statements that end the account's own users or warehouses are left out, so that every example can sign in.
TEXTS = [case.sql for case in slt.everything() if case.sql and case.file not in ("admin",)]
WORDS = sorted({word for text in TEXTS for word in text.split()})
CANARY = "canary-3f1c"
_ESCAPES = ("read_text('{}')", "'{}'", '"{}"', "read_csv_auto('{}')", "glob('{}')", "getenv('HOME')", "sf_text('{}')")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningSandbox, Path]]:
    folder = tmp_path_factory.mktemp("outside")
    (folder / "secret.txt").write_text(CANARY)
    with running_sandbox(more=(fixture_account(),)) as running:
        yield running, folder


@st.composite
def _texts(draw: st.DrawFn) -> str:
    words = draw(st.sampled_from(TEXTS)).split()
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, max(len(words) - 1, 0)))
        change = draw(st.sampled_from(("drop", "put", "swap", "join")))
        if change == "drop" and words:
            del words[at]
        elif change == "join":
            words[at:at] = ["(", *draw(st.sampled_from(TEXTS)).split(), ")"]
        else:
            words[at : at + (change == "swap")] = [draw(st.sampled_from(WORDS) | st.sampled_from(_ESCAPES))]
    return " ".join(words)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=_texts())
@example("create table x as select * from read_text('{}')")
@example("select * from {}")
@example("copy into '{}' from orders")
def test_any_statement_is_answered_and_reaches_nothing(served: tuple[RunningSandbox, Path], text: str) -> None:
    """Whatever is sent, the answer is 200 or a refusal, shows no file's content, and leaves no file behind."""
    running, folder = served
    text = text.replace("{}", str(folder / "secret.txt"))
    before = sorted(os.listdir(folder))
    reply = Client.of(running, "ADMIN").sql(text, database="OPS_DB", schema="OPS", warehouse="COMPUTE_WH")
    assert reply.status in (200, 202, 422)
    assert CANARY not in str(reply.body)
    assert "READINGS" not in str(reply.body.get("data"))
    assert sorted(os.listdir(folder)) == before
