"""The sandbox's reference page names what there is."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from skipass.sandbox.account import CHOICES, Switches
from skipass.sandbox.control import FAULTS

PAGE = (Path(__file__).parents[2] / "docs/reference/sandbox.md").read_text()


def first_cells(heading: str) -> set[str]:
    table = PAGE.split(f"### {heading}\n")[1].split("\n### ")[0]
    cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    return {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}


def test_page_lists_every_fault_and_switch() -> None:
    """Every fault and every switch has its row, and no row is about something that is not there."""
    assert first_cells("Faults") == set(FAULTS)
    assert first_cells("Switches") == {one.name for one in fields(Switches)}


def test_first_value_of_a_choice_is_its_default() -> None:
    """The value that the page names first is the one that holds when nobody set it."""
    assert {name: values[0] for name, values in CHOICES.items()} == {
        name: getattr(Switches(), name) for name in CHOICES
    }
