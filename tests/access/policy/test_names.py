"""Names in rules: folded as Snowflake folds them, with * for whole parts only."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skipass.access.policy.names import Pattern, named, pattern

parts = st.sampled_from(["A", "B"])
shapes = st.lists(st.none() | parts, min_size=1, max_size=3).map(lambda found: Pattern(tuple(found)))
names = st.lists(parts, max_size=3).map(tuple)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("ops_db.ops.orders", "OPS_DB.OPS.ORDERS"),
        ('"my db".ops', '"my db".OPS'),
        ("OPS_DB.*", "OPS_DB.*"),
        ("*.*.ORDERS", "*.*.ORDERS"),
        ('"a.b".*.C', '"a.b".*.C'),
        ("*", "*"),
    ],
)
def test_a_name_is_folded(text: str, shown: str) -> None:
    """Unquoted parts become upper case, quoted ones stay, and a part may be *."""
    assert str(pattern(text)) == shown


@pytest.mark.parametrize("text", ["", ".", "OPS_*", "*X", "A..B", "A.", "A.B.C.D", "A B", "1A", '"', "A;B", "**"])
def test_anything_else_is_no_name(text: str) -> None:
    """A star within a part, an empty part, or a fourth one is refused."""
    assert pattern(text) is None


@given(shapes, names)
def test_what_is_covered_is_touched(one: Pattern, name: tuple[str, ...]) -> None:
    """A pattern that holds all of a name holds some of it, and a name made longer stays inside."""
    if one.covers(name):
        assert one.touches(name)
        assert one.covers((*name, "X"))
    if not one.touches(name):
        assert not one.touches((*name, "X"))


def test_what_has_no_name_could_be_anything() -> None:
    """A thing without a name of its own has no parts; every pattern touches it and only one of stars covers it."""
    assert named("<RESULT>") == ()
    assert named("@D.S.ST") == ("D", "S", "ST")
    assert Pattern(("D",)).touches(())
    assert not Pattern(("D",)).covers(())
