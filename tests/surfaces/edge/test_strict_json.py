"""JSON that cannot be read two ways, in bounded time."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skipass.errors import SkipassError
from skipass.surfaces.edge.strict_json import parse_json, to_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def parse(text: bytes) -> Any:
    return parse_json(text, max_depth=64, max_tokens=200_000)


@given(VALUES)
def test_what_is_written_is_read_back(value: Any) -> None:
    """Every JSON value comes back as it was, integers digit for digit."""
    assert parse(json.dumps(value).encode()) == value
    assert parse(to_json(value)) == value


@given(st.dictionaries(st.text(), st.integers(), min_size=1), st.data())
def test_a_member_named_twice_is_refused(members: dict[str, int], data: Any) -> None:
    """A repeated member is refused wherever it stands and however it is escaped."""
    name = data.draw(st.sampled_from(sorted(members)))
    pairs = [f"{json.dumps(key)}:{value}" for key, value in members.items()]
    escaped = "".join(f"\\u{unit:04x}" for unit in _utf16(name))
    text = f"[{{{','.join([*pairs, f'''{chr(34)}{escaped}{chr(34)}:1'''])}}}]"
    with pytest.raises(SkipassError, match="same member twice"):
        parse(text.encode())


def _utf16(text: str) -> list[int]:
    raw = text.encode("utf-16-be")
    return [int.from_bytes(raw[i : i + 2], "big") for i in range(0, len(raw), 2)]


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b" ",
        b"{",
        b'"',
        b"NaN",
        b"-Infinity",
        b"1e999",
        b'"\\ud800"',
        b"\xff",
        b"\xef\xbb\xbf1",
        b"[1,]",
        b"{'a':1}",
        b"01",
        b"1 2",
        b'"\x01"',
        b"// x\n1",
    ],
)
def test_what_is_not_json_is_refused(text: bytes) -> None:
    """Nothing outside RFC 8259 is read."""
    with pytest.raises(SkipassError) as caught:
        parse(text)
    assert caught.value.code == "invalid_request"


def test_depth_is_bounded() -> None:
    """Nesting is read to the limit and refused beyond it; brackets inside strings do not count."""
    assert parse(b"[" * 64 + b"]" * 64) is not None
    assert parse(b'["' + b"[" * 1000 + b'"]') == ["[" * 1000]
    for text in (b"[" * 65 + b"]" * 65, b'{"a":' * 100_000):
        with pytest.raises(SkipassError, match="deeper than 64"):
            parse(text)


def test_the_number_of_parts_is_bounded() -> None:
    """A text of more strings and brackets than the limit is refused."""
    with pytest.raises(SkipassError, match="more than"):
        parse_json(b'["a","b","c"]', max_depth=9, max_tokens=3)


@pytest.mark.parametrize("text", [b'"' + b'\\"' * 2_000_000, b'"' + b"\\" * 4_000_001, b'"' * 4_000_001])
def test_a_string_that_never_ends_is_refused_in_one_pass(text: bytes) -> None:
    """Four megabytes of quotes and backslashes are refused; a scan that began again at each would not return."""
    with pytest.raises(SkipassError):
        parse(text)


def test_the_error_does_not_repeat_the_text() -> None:
    """What was sent is not shown back."""
    with pytest.raises(SkipassError) as caught:
        parse(b'{"password": "hunter2",}')
    assert "hunter2" not in str(caught.value.as_dict())


def test_what_has_no_json_form_is_not_written() -> None:
    """A value without a JSON form is a programming error, not a guess."""
    with pytest.raises(TypeError):
        to_json({"a": object()})
