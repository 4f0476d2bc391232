"""Nothing that holds a secret prints it, copies it out, or lets itself be pickled."""

from __future__ import annotations

import copy
import pickle
import traceback
from typing import Any

import pytest

from skipass.secret import Secret
from skipass.vault.keys import KeyEncryptionKey
from skipass.vault.seal import TextKey

MARKER = "planted-secret-0123456789abcdefg"
HOLDERS: dict[str, Any] = {
    "Secret[str]": Secret(MARKER),
    "Secret[bytes]": Secret(MARKER.encode()),
    "KeyEncryptionKey": KeyEncryptionKey(MARKER.encode()),
    "TextKey": TextKey(MARKER.encode()),
}


@pytest.fixture(params=HOLDERS)
def holder(request: pytest.FixtureRequest) -> Any:
    return HOLDERS[request.param]


def test_no_way_of_printing_shows_it(holder: Any) -> None:
    """`repr`, `str`, `format` and a container around it show a name at most."""
    shown = [repr(holder), str(holder), f"{holder}", f"{holder!r:>80}", f"{holder} {holder!r}", repr([holder])]
    assert not [text for text in shown if MARKER in text or MARKER.encode().hex() in text]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_it_is_never_pickled(holder: Any, protocol: int) -> None:
    """Pickling raises in every protocol, so that no cache, queue or worker carries it away."""
    with pytest.raises(TypeError):
        pickle.dumps(holder, protocol)


def test_it_is_never_copied(holder: Any) -> None:
    """Deep copies of whatever holds it raise too."""
    with pytest.raises(TypeError):
        copy.deepcopy({"held": holder})


def test_a_traceback_does_not_show_it() -> None:
    """An error raised with a secret in its arguments prints without it."""
    with pytest.raises(ValueError, match="Secret") as raised:
        raise ValueError(HOLDERS["Secret[str]"])
    assert MARKER not in "".join(traceback.format_exception(raised.value))


def test_reveal_is_the_way_out() -> None:
    """The one line that needs the value gets it."""
    assert HOLDERS["Secret[str]"].reveal() == MARKER
    assert HOLDERS["KeyEncryptionKey"].reveal() == MARKER.encode()
