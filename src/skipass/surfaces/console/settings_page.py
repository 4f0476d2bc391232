"""The settings that the gateway runs with: each with its value, where that came from, and what it is for."""

from __future__ import annotations

from skipass.nouns.setting import SettingSource
from skipass.surfaces.console.frame import Frame
from skipass.surfaces.edge.pages import Reply
from skipass.surfaces.edge.requests import Asked


class SettingsPage:
    """`/console/settings`."""

    def __init__(self, frame: Frame) -> None:
        self._frame, self._gateway = frame, frame.gateway

    async def show(self, asked: Asked) -> Reply:
        """Show every setting, those that somebody set first; admins alone."""
        by = await self._frame.caller(asked)
        found = self._gateway.effective.settings(by.principal)
        given = [one for one in found if one.source is not SettingSource.DEFAULT]
        rest = [one for one in found if one.source is SettingSource.DEFAULT]
        return self._frame.page("settings.html", by, here=asked.path, given=given, rest=rest)
