"""What every Python client needs to be let in: the way of its user's browser, and a place for what it is given.

The address to open is printed as a line of JSON; the address the browser was led back to is read as a line.
"""

import json
import sys
from urllib.parse import parse_qs, urlsplit

CALLBACK = "http://127.0.0.1:53123/callback"
METADATA = {
    "client_name": "Judge",
    "redirect_uris": [CALLBACK],
    "grant_types": ["authorization_code", "refresh_token"],
    "token_endpoint_auth_method": "none",
}


async def opened(address):
    print(json.dumps({"authorize": str(address)}), flush=True)


def led_back():
    """Return what came back with the browser."""
    return {name: values[0] for name, values in parse_qs(urlsplit(sys.stdin.readline().strip()).query).items()}


def told(tools, text, is_error):
    print(json.dumps({"tools": tools, "text": text, "is_error": bool(is_error)}), flush=True)


class Memory:
    """Keeps tokens and registration as long as the process lives."""

    tokens = None
    client = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client_info):
        self.client = client_info
