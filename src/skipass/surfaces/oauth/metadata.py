"""What our authorization server says of itself; what comes later only adds to it.

Source: RFC 8414 §2 and §3; RFC 9207 §3
"""

from __future__ import annotations

import orjson

from skipass.gateway.core import Gateway
from skipass.surfaces.edge.pages import Reply

METADATA_PATH = "/.well-known/oauth-authorization-server"
CLIENT_CREDENTIALS = "client_credentials"
CODE = "authorization_code"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"


async def metadata(gateway: Gateway) -> Reply:
    """Return the document; it is the same for everybody, and readable from anywhere."""
    issuer = gateway.deps.base_url
    told = {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/oauth/authorize",
        "token_endpoint": f"{issuer}/oauth/token",
        "device_authorization_endpoint": f"{issuer}/oauth/device_authorization",
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": [CODE, CLIENT_CREDENTIALS, DEVICE],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "skipass_one_time_links": gateway.deps.provider is None,
    }
    headers = {"content-type": "application/json", "access-control-allow-origin": "*", "cache-control": "no-store"}
    return Reply(200, orjson.dumps(told), headers)
