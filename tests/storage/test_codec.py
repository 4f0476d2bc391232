"""Every noun goes into its table and comes back exactly."""

from __future__ import annotations

import asyncio
import typing
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postgres import Postgres
from skipass.audit.chain import micros
from skipass.nouns.scope import Scope
from skipass.storage.codec import decode, encode, moment
from skipass.storage.postgres import AskingExecutor
from skipass.storage.postgres import drive as pg_drive
from skipass.storage.sql import find_sql, insert_sql
from skipass.storage.sqlite import SqliteExecutor, connect, drive
from skipass.storage.tables import TABLES
from skipass.storage.unit import Executor

NOUNS = sorted(TABLES, key=lambda noun: noun.__name__)
integers = st.integers(-(2**63), 2**63 - 1)
times = st.datetimes(timezones=st.just(UTC)).map(lambda at: at.replace(fold=0))
texts = st.text()
json_values = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | texts
objects = st.dictionaries(texts, json_values, max_size=3)
parts = st.text(st.characters(codec="utf-8"), min_size=1).filter(str.strip)
scopes = st.builds(
    Scope,
    st.lists(parts, min_size=1, max_size=3, unique=True).map(tuple),
    st.lists(parts, max_size=2, unique=True).map(tuple),
    st.lists(parts, max_size=2, unique=True).map(tuple),
    role=st.none() | parts,
    warehouse=st.none() | parts,
)
st.register_type_strategy(datetime, times)


def values(hint: Any) -> st.SearchStrategy[Any]:
    """Return values of a field's type, as wide as its column."""
    found = {int: integers, str: texts, Scope: scopes, datetime: times, dict[str, Any]: objects}
    if hint in found:
        return found[hint]
    if typing.get_origin(hint) is tuple:
        arguments = typing.get_args(hint)
        if arguments[-1] is Ellipsis:
            return st.lists(values(arguments[0]), max_size=3).map(tuple)
        return st.tuples(*map(values, arguments))
    arms = typing.get_args(hint)
    return st.one_of(*(st.none() if arm is type(None) else values(arm) for arm in arms)) if arms else st.from_type(hint)


def records(noun: type[Any]) -> st.SearchStrategy[Any]:
    """Return any record of a noun; JSON holds integers up to 2^53 exactly, columns up to 2^63."""
    hints = typing.get_type_hints(noun)
    small = {"partitions": st.lists(st.tuples(*[st.integers(0, 2**53)] * 2), max_size=3).map(tuple)}
    return st.builds(noun, **{f.name: small.get(f.name, values(hints[f.name])) for f in fields(noun)})


Through = Callable[[Any], dict[str, Any]]


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def through(request: pytest.FixtureRequest) -> Iterator[Through]:
    """Yield what stores a record and reads it again, in a transaction that leaves nothing."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            path: Path = request.getfixturevalue("migrated")
            connection = stack.enter_context(closing(connect(path)))
            yield lambda record: drive(_there_and_back(SqliteExecutor(connection), record))
            return
        postgres: Postgres = request.getfixturevalue("postgres")
        run = stack.enter_context(asyncio.Runner()).run
        name = run(postgres.migrated())
        stack.callback(lambda: run(postgres.drop(name)))
        server = run(postgres.connect(name))
        stack.callback(lambda: run(server.close()))
        yield lambda record: run(pg_drive(_there_and_back(AskingExecutor(), record), server))


async def _there_and_back(executor: Executor, record: Any) -> dict[str, Any]:
    await executor.run("BEGIN", {})
    await executor.run(insert_sql(TABLES[type(record)]), encode(record))
    (row,) = await executor.rows(find_sql(type(record), (), "id", descending=False), {"row_limit": 2})
    await executor.run("ROLLBACK", {})
    return dict(row)


@pytest.mark.parametrize("noun", NOUNS, ids=lambda noun: noun.__name__)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_a_record_comes_back_as_it_was(through: Through, noun: type[Any], data: st.DataObject) -> None:
    """Through a real table every field of every noun returns equal and of the same type, empty and extreme ones too."""
    record = data.draw(records(noun))
    row = through(record)
    back = decode(noun, row)
    assert back == record
    for field in fields(noun):
        one, two = getattr(back, field.name), getattr(record, field.name)
        assert type(one) is type(two)
        assert repr(one) == repr(two)


@settings(max_examples=300, deadline=None)
@given(times)
def test_a_moment_is_kept_to_the_microsecond(at: datetime) -> None:
    """From year 1 to year 9999 no time loses or gains a microsecond."""
    assert moment(micros(at)) == at
    assert micros(at) == (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
