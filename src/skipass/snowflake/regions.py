"""The regions Snowflake names in hosts, and which of them stand there without their cloud.

Source: https://docs.snowflake.com/en/user-guide/admin-account-identifier (table of region ids)
"""

from __future__ import annotations

GOVERNMENT = frozenset({"fhplus", "dod"})
CLOUDS = frozenset({"aws", "azure", "gcp"})
_BARE = frozenset({"us-east-1", "eu-west-1", "eu-central-1", "ap-southeast-1", "ap-southeast-2"})
_TABLE = {
    "aws": """
        us-west-2 us-east-1 us-east-2 us-gov-west-1 us-gov-east-1 ca-central-1 sa-east-1 eu-west-1 eu-west-2 eu-west-3
        eu-central-1 eu-central-2 eu-north-1 af-south-1 me-central-1 ap-northeast-1 ap-northeast-2 ap-northeast-3
        ap-south-1 ap-southeast-1 ap-southeast-2 ap-southeast-3 cn-northwest-1
    """,
    "azure": """
        west-us-2 west-us-3 central-us south-central-us east-us-2 us-gov-virginia canada-central mexicocentral uk-south
        north-europe west-europe switzerland-north sweden-central uae-north central-india southeast-asia japan-east
        korea-central australia-east
    """,
    "gcp": "us-central1 us-east4 europe-west2 europe-west3 europe-west4 me-central2 australia-southeast2",
}
_CLOUD_OF = {region: cloud for cloud, names in _TABLE.items() for region in names.split()}


def is_region(text: str) -> bool:
    """True for a region id of the vendor's table."""
    return text in _CLOUD_OF


def cloud_of(region: str) -> str:
    """Return `aws`, `azure` or `gcp`, or an empty text for a region that is not in the table."""
    return _CLOUD_OF.get(region, "")


def is_place(labels: list[str]) -> bool:
    """True for `[government.]region[.cloud]` as it stands after a locator; with a cloud any region is taken."""
    rest = labels[1:] if labels and labels[0] in GOVERNMENT else labels
    if len(rest) == 2:
        return rest[1] in CLOUDS
    return len(rest) == 1 and is_region(rest[0])


def host_parts(region: str, cloud: str) -> list[str]:
    """Return what follows the locator in a host: nothing for AWS us-west-2, no cloud where the vendor leaves it out."""
    if region in ("", "us-west-2"):
        return []
    if region in _BARE or domain(region) == "cn":
        return [region]
    return [region, cloud]


def domain(region: str) -> str:
    """Return the top-level domain: `cn` for regions in China, else `com`."""
    return "cn" if region.startswith("cn-") else "com"
