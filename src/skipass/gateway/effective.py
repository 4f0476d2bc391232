"""The settings a process runs with, as admins may read them. Nothing is changed here: they are read when it starts."""

from __future__ import annotations

from collections.abc import Sequence

from skipass.gateway.deps import Deps
from skipass.gateway.people import require
from skipass.nouns.principal import Principal, Role
from skipass.nouns.setting import EffectiveSetting


class Effective:
    """The use case of looking at settings."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    def settings(self, principal: Principal) -> Sequence[EffectiveSetting]:
        """Return every setting of the process that answers, in order of name; raises `forbidden` but for admins."""
        require(principal, Role.ADMIN)
        return self._deps.settings
