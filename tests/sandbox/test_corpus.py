"""A corpus of statements with the answers that the vendor's documentation gives them, played over HTTP in order."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from sandbox import slt
from sandbox.client import Client
from skipass.sandbox import demo
from skipass.sandbox.account import Account
from skipass.sandbox.testing import RunningSandbox, running_sandbox

CASES = slt.everything()


def lab() -> Account:
    """Return the account of corpus/setup.sql."""
    account = Account("SKIPASS", "SANDBOX", "SB12345")
    demo.add_administrator(account)
    demo.run_script(account, "ADMIN", (slt.FOLDER / "setup.sql").read_text())
    account.engine.seal()
    return account


@pytest.fixture(scope="module")
def served() -> Iterator[dict[str, RunningSandbox]]:
    """Serve one account for each file, so that its statements build on each other and on no others."""
    with ExitStack() as stack:
        files = dict.fromkeys(case.file for case in CASES)
        yield {file: stack.enter_context(running_sandbox(lab())) for file in files}


@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
def test_statement(served: dict[str, RunningSandbox], case: slt.Case) -> None:
    """The statement answers as written, or is refused with its code."""
    reply = Client.of(served[case.file], case.user).sql(
        case.sql, role=case.role, database="SHOP", schema="SALES", warehouse="LAB_WH", parameters=slt.FORMATS
    )
    assert case.faults(reply) == ""


def test_corpus_is_large_and_mostly_right() -> None:
    """At least 300 statements, each with a name of its own, of which at most one in twenty is a known failure."""
    known = [case for case in CASES if case.kind == "known"]
    assert len({case.id for case in CASES}) == len(CASES) >= 300
    assert len(known) / len(CASES) <= 0.05
