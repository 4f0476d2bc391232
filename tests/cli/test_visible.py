"""Nothing that an agent wrote hides from, or acts on, the terminal of a person."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skipass.cli.visible import visible

DANGEROUS = [
    "\x1b",
    "\x07",
    "\r",
    "\n",
    "\x9b",
    "\u202e",
    "\u2066",
    "\u200b",
    "\ufeff",
    "\u00a0",
    "\u3164",
    "\ufe0f",
    "\u2028",
]


@pytest.mark.parametrize("char", DANGEROUS)
def test_what_hides_or_acts_is_spelled_out(char: str) -> None:
    """Escape sequences, direction marks, zero-width and blank characters come out as their code points."""
    assert visible(f"a{char}b") == f"a⟨U+{ord(char):04X}⟩b"


@settings(deadline=None)
@given(st.text())
def test_no_control_or_format_character_comes_out(text: str) -> None:
    """Whatever goes in, no control, format, surrogate or separator character is in what comes out."""
    assert not {unicodedata.category(char) for char in visible(text)} & {"Cc", "Cf", "Cs", "Zl", "Zp"}


@settings(deadline=None)
@given(st.text(alphabet=st.characters(categories=["L", "N", "P"], exclude_characters="\u115f\u1160\u3164\uffa0")))
def test_letters_stay_as_they_are(text: str) -> None:
    """Letters, digits and punctuation of any script are left alone."""
    assert visible(text) == text


def test_tabs_stay_where_they_are_wanted() -> None:
    """A character that the caller keeps is kept."""
    assert visible("a\tb\x1b", keep="\t") == "a\tb⟨U+001B⟩"
