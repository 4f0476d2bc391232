"""Random role graphs: what a role was granted is what its statements may do, and nothing else."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skipass.sandbox import demo, pipeline
from skipass.sandbox.account import Account
from skipass.sandbox.cells import Formats
from skipass.sandbox.execution import Execution
from skipass.sandbox.failures import Failure

ROLES = 5
TABLES = ("LAB.ONE.A", "LAB.ONE.B", "LAB.TWO.A")
VIEW = "LAB.TWO.V"  # reads LAB.ONE.A with its owner's rights
PRIVILEGES = ("SELECT", "INSERT", "UPDATE", "DELETE")
Grant = tuple[str, str]
STATEMENTS: dict[str, tuple[Grant, ...]] = {
    **{f"select * from {one}": ((one, "SELECT"),) for one in (*TABLES, VIEW)},
    **{f"insert into {one} values (1, 'x')": ((one, "INSERT"),) for one in TABLES},
    **{f"update {one} set note = 'y' where id = 1": ((one, "UPDATE"),) for one in TABLES},
    **{f"delete from {one} where id = 2": ((one, "DELETE"),) for one in TABLES},
    "select 1 from lab.one.a where exists (select 1 from lab.one.b)": (
        ("LAB.ONE.A", "SELECT"),
        ("LAB.ONE.B", "SELECT"),
    ),
    "with x as (select id from lab.two.a) select * from x, lab.one.b": (
        ("LAB.TWO.A", "SELECT"),
        ("LAB.ONE.B", "SELECT"),
    ),
    "insert into lab.one.a select id, note from lab.two.a": (("LAB.ONE.A", "INSERT"), ("LAB.TWO.A", "SELECT")),
    "delete from lab.one.a using lab.one.b b where b.id = 7": (("LAB.ONE.A", "DELETE"), ("LAB.ONE.B", "SELECT")),
    "select v.id, b.note from lab.two.v v join lab.one.b b on b.id = v.id": (
        (VIEW, "SELECT"),
        ("LAB.ONE.B", "SELECT"),
    ),
}


@dataclass
class Graph:
    """Edges go from the role that holds to the role it was granted; `grants` are by role."""

    edges: list[tuple[int, int]]
    grants: list[tuple[int, str, str]]

    def reached(self, role: int) -> set[int]:
        found = {role}
        for _ in range(ROLES):
            found |= {granted for holder, granted in self.edges if holder in found}
        return found

    def allowed(self, role: int, needs: tuple[Grant, ...]) -> bool:
        reached = self.reached(role)
        held = {(on, privilege) for one, on, privilege in self.grants if one in reached}
        for table, privilege in needs:
            database, schema, _ = table.split(".")
            usage = {(database, "USAGE"), (f"{database}.{schema}", "USAGE")}
            if not (usage <= held and (table, privilege) in held):
                return False
        return True


_CONTAINERS = st.sampled_from([("LAB", "USAGE"), ("LAB.ONE", "USAGE"), ("LAB.TWO", "USAGE")])
_TABLES = st.tuples(st.sampled_from(TABLES), st.sampled_from(PRIVILEGES)) | st.just((VIEW, "SELECT"))
_GRANT = st.tuples(st.integers(0, ROLES - 1), _CONTAINERS | _TABLES).map(lambda pair: (pair[0], *pair[1]))
_EDGE = st.tuples(st.integers(0, ROLES - 1), st.integers(0, ROLES - 1)).filter(lambda edge: edge[0] < edge[1])
GRAPHS = st.builds(Graph, st.lists(_EDGE, max_size=6, unique=True), st.lists(_GRANT, max_size=24, unique=True))
_NUMBERS = itertools.count()


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    account = Account("SKIPASS", "PROPERTY", "SB1")
    demo.add_administrator(account)
    tables = "; ".join(f"CREATE TABLE {one} (ID NUMBER, NOTE VARCHAR)" for one in TABLES)
    script = f"CREATE WAREHOUSE W; CREATE DATABASE LAB; CREATE SCHEMA LAB.ONE; CREATE SCHEMA LAB.TWO; {tables}"
    view = f"CREATE VIEW {VIEW} AS SELECT ID FROM LAB.ONE.A; GRANT USAGE ON WAREHOUSE W TO ROLE PUBLIC"
    demo.run_script(account, "ADMIN", f"{script}; {view}")
    account.engine.seal()
    yield account
    account.engine.close()


def _kind(on: str) -> str:
    return {1: "DATABASE", 2: "SCHEMA"}.get(len(on.split(".")), "VIEW" if on == VIEW else "TABLE")


def _make(account: Account, graph: Graph) -> str:
    prefix = f"R{next(_NUMBERS)}_"
    script = [f"CREATE ROLE {prefix}{number}" for number in range(ROLES)]
    script += [f"GRANT ROLE {prefix}{granted} TO ROLE {prefix}{holder}" for holder, granted in graph.edges]
    script += [f"GRANT {privilege} ON {_kind(on)} {on} TO ROLE {prefix}{role}" for role, on, privilege in graph.grants]
    demo.run_script(account, "ADMIN", ";".join(script))
    return prefix


def _runs(account: Account, role: str, text: str) -> bool:
    session = account.session_of(account.catalog.users["ADMIN"], role)
    session.warehouse = "W"
    run = account.engine.open()
    try:
        pipeline.single(Execution(account, session, run, "h", Formats()), text)
        code = ""
    except Failure as failure:
        code = failure.code
    finally:
        run.close()
    assert code in ("", "002003", "003001")
    return not code


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(graph=GRAPHS, data=st.data())
def test_statements_allowed_are_privileges_granted(account: Account, graph: Graph, data: st.DataObject) -> None:
    """A statement runs under a role exactly if the closure of its grants holds every privilege it needs."""
    prefix = _make(account, graph)
    chosen = data.draw(st.lists(st.sampled_from(sorted(STATEMENTS)), min_size=6, max_size=6, unique=True))
    for role, text in itertools.product(range(ROLES), chosen):
        assert _runs(account, f"{prefix}{role}", text) == graph.allowed(role, STATEMENTS[text]), (role, text)
    assert account.disagreements == 0
