"""The vault's key over REST: where it stands, and turning to the next one. Fingerprints go out, keys never."""

from __future__ import annotations

from pydantic import Field
from starlette.responses import Response

from skipass.gateway.vaulting import VaultStatus
from skipass.surfaces.rest import shapes
from skipass.surfaces.rest.replies import reply
from skipass.surfaces.rest.route import Caller, CallerRoute, TheGateway, routes

router = routes(CallerRoute, "vault")


class Vault(shapes.Shape):
    """The vault as the process sees it that answers."""

    in_use: str = Field(description="Fingerprint of the key that seals.", examples=["3f9d2c4b8a1e6075"])
    where: str = Field(description="What gives this process its keys.", examples=["the file vault.key"])
    known: list[str] = Field(description="Fingerprints of the keys that this process has.")
    turning_to: str | None = Field(description="Fingerprint of the key of a rotation that is under way.")
    sealed: dict[str, int] = Field(description="How many values are sealed under each key, by its fingerprint.")


@router.get("/vault", response_model=Vault, summary="Show where the vault's key stands")
async def show_vault(gateway: TheGateway, caller: Caller) -> Response:
    """Show fingerprints and counts, for admins and auditors."""
    return reply(vault_view(await gateway.vaulting.status(caller)))


@router.post("/vault/rotate", response_model=Vault, status_code=202, summary="Turn the vault to its next key")
async def rotate_vault(gateway: TheGateway, caller: Caller) -> Response:
    """Begin to wrap every data key under the next key; asked again while that is under way, it changes nothing."""
    return reply(vault_view(await gateway.vaulting.rotate(caller)), 202)


def vault_view(status: VaultStatus) -> dict[str, object]:
    """Return the vault's status."""
    return {
        "in_use": status.in_use,
        "where": status.where,
        "known": list(status.known),
        "turning_to": status.turning_to,
        "sealed": dict(status.sealed),
    }
