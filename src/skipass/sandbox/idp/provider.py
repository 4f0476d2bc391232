"""The provider's endpoints under `/oauth2/{server}`: discovery, keys, sign-in, tokens, user info, revocation.

The issuer is the address by which it is asked, fixed once a base address was given.
Source: https://developer.okta.com/docs/reference/api/oidc/, OpenID Connect Discovery 1.0, RFC 7009.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from skipass.sandbox.idp import requests, tokens
from skipass.sandbox.idp.browser import Browser, not_found
from skipass.sandbox.idp.model import Client, Directory, Grant, Person, Server
from skipass.sandbox.idp.requests import Refused
from skipass.sandbox.oauth.model import digest, mark

_NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
_OPEN = {"Access-Control-Allow-Origin": "*"}


class Provider:
    """The provider over a directory. `now` tells its time, `saved` is called after every change that must last."""

    def __init__(self, directory: Directory, now: Callable[[], datetime], saved: Callable[[], None]) -> None:
        self.directory = directory
        self.base = ""
        self.now = now
        self.saved = saved
        self._browser = Browser(directory, now, saved)

    def routes(self) -> list[Route]:
        """Return the routes of the provider."""
        at = "/oauth2/{server}"
        return [
            Route(f"{at}/.well-known/openid-configuration", self.discovery),
            Route(f"{at}/.well-known/oauth-authorization-server", self.discovery),
            Route("/.well-known/oauth-authorization-server" + at, self.discovery),
            Route(f"{at}/v1/keys", self.keys),
            Route(f"{at}/v1/authorize", self._browser.authorize, methods=["GET"]),
            Route(f"{at}/v1/authorize", self._browser.sign_in, methods=["POST"]),
            Route(f"{at}/v1/token", self.token, methods=["POST"]),
            Route(f"{at}/v1/userinfo", self.user_info, methods=["GET", "POST"]),
            Route(f"{at}/v1/revoke", self.revoke, methods=["POST"]),
            Route(f"{at}/v1/logout", self._browser.log_out, methods=["GET"]),
        ]

    def issuer(self, server: str, request: Request | None = None) -> str:
        """Return the issuer of a server."""
        if not self.base and request is not None:
            return f"{request.url.scheme}://{request.headers.get('host', '')}/oauth2/{server}"
        return f"{self.base}/oauth2/{server}"

    def mint(self, login: str, scope: str, audience: str) -> str:
        """Return an access token of the first server for a login name, whoever that is here."""
        server = next(iter(self.directory.servers.values()))
        person = self.directory.people.get(login.lower()) or Person(login.lower(), "", login, "")
        issuer = self.issuer(server.id)
        return tokens.access_token(
            self.directory, issuer, server, Client("token-test"), person, (scope,), self.now(), audience
        )

    def _server(self, request: Request) -> Server | None:
        return self.directory.servers.get(request.path_params["server"])

    async def discovery(self, request: Request) -> Response:
        """Answer the metadata document."""
        server = self._server(request)
        if server is None:
            return not_found()
        issuer = self.issuer(server.id, request)
        names = ("authorize", "token", "userinfo", "revoke", "keys", "logout")
        urls = {name: f"{issuer}/v1/{name}" for name in names}
        body = {
            "issuer": issuer,
            "authorization_endpoint": urls["authorize"],
            "token_endpoint": urls["token"],
            "userinfo_endpoint": urls["userinfo"],
            "revocation_endpoint": urls["revoke"],
            "end_session_endpoint": urls["logout"],
            "jwks_uri": urls["keys"],
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "scopes_supported": ["openid", "profile", "email", "offline_access", "groups"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
            "claims_supported": ["iss", "sub", "aud", "iat", "exp", "auth_time", "amr", "nonce", "name", "email"],
            "code_challenge_methods_supported": ["S256"],
        }
        return JSONResponse(body, 200, _OPEN)

    async def keys(self, request: Request) -> Response:
        """Answer the published keys."""
        if self._server(request) is None:
            return not_found()
        return JSONResponse({"keys": self.directory.public_keys()}, 200, _OPEN)

    async def token(self, request: Request) -> Response:
        """Answer a token request: code exchange or refresh."""
        server = self._server(request)
        if server is None:
            return not_found()
        form = dict(parse_qsl((await request.body()).decode("utf-8", "replace")))
        request.scope["state"] |= {"grant_type": form.get("grant_type"), "spent": mark(form)}
        try:
            client = requests.client_of(self.directory, request.headers.get("authorization", ""), form)
            grant = self._spent(server, client, form)
        except Refused as refused:
            request.scope["state"]["error"] = refused.error
            status = 401 if refused.error == "invalid_client" else 400
            return JSONResponse({"error": refused.error, "error_description": refused.text}, status, _NO_STORE)
        body = self._body(server, client, grant, self.issuer(server.id, request))
        if "offline_access" in grant.scopes:
            body["refresh_token"] = self._next_refresh(server, grant, form.get("refresh_token", ""))
        request.scope["state"]["user"] = grant.login
        self.saved()
        return JSONResponse(body, 200, _NO_STORE)

    def _spent(self, server: Server, client: Client, form: dict[str, str]) -> Grant:
        kind = form.get("grant_type")
        if kind == "authorization_code":
            grant = self.directory.codes.pop(digest(form.get("code", "")), None)
            same = grant is not None and grant.redirect_uri == form.get("redirect_uri")
            fits = grant is not None and requests.verified(grant.challenge, form.get("code_verifier", ""))
            good = same and fits
        elif kind == "refresh_token":
            grant = self.directory.refresh.get(digest(form.get("refresh_token", "")))
            good = grant is not None
        else:
            raise Refused("unsupported_grant_type", "The grant type is not supported.")
        if grant is None or not good or grant.expires <= self.now() or grant.client != client.id:
            raise Refused("invalid_grant", "The authorization code or refresh token is invalid or has expired.")
        person = self.directory.people.get(grant.login)
        if grant.server != server.id or person is None or person.disabled:
            raise Refused("invalid_grant", "The authorization code or refresh token is invalid or has expired.")
        return self._narrowed(grant, form.get("scope", ""))

    def _narrowed(self, grant: Grant, scope: str) -> Grant:
        asked = scope.split()
        if not set(asked) <= set(grant.scopes):
            raise Refused("invalid_scope", "A scope was asked for that was not granted.")
        return replace(grant, scopes=tuple(asked)) if asked else grant

    def _body(self, server: Server, client: Client, grant: Grant, issuer: str) -> dict[str, Any]:
        person, now = self.directory.people[grant.login], self.now()
        access = tokens.access_token(self.directory, issuer, server, client, person, grant.scopes, now)
        body: dict[str, Any] = {
            "token_type": "Bearer",
            "expires_in": server.access_life_s,
            "access_token": access,
            "scope": " ".join(grant.scopes),
        }
        if "openid" in grant.scopes:
            body["id_token"] = tokens.id_token(
                self.directory, issuer, client, person, grant.scopes, grant.nonce, grant.signed_in, now, access
            )
        return body

    def _next_refresh(self, server: Server, grant: Grant, used: str) -> str:
        if used and not server.refresh_rotates:
            return used
        self.directory.refresh.pop(digest(used), None)
        return self._new_refresh(server, grant)

    def _new_refresh(self, server: Server, grant: Grant) -> str:
        text = secrets.token_urlsafe(32)
        ends = self.now() + timedelta(seconds=server.refresh_life_s)
        self.directory.refresh[digest(text)] = replace(grant, expires=ends, nonce="", challenge="")
        return text

    async def user_info(self, request: Request) -> Response:
        """Answer the claims about whom an access token is for."""
        _, _, text = request.headers.get("authorization", "").partition(" ")
        claims = self._claims(text)
        person = self.directory.people.get(str(claims.get("sub"))) if claims else None
        given = claims["scp"] if claims else []
        scopes = tuple(given.split() if isinstance(given, str) else given)
        if person is None or "openid" not in scopes:
            return Response(b"", 401, {"WWW-Authenticate": 'Bearer error="invalid_token"'})
        return JSONResponse({"sub": person.id} | tokens.profile(person, scopes))

    def _claims(self, text: str) -> dict[str, Any] | None:
        for one in self.directory.keys:
            try:
                claims = dict(jwt.decode(text, RSAKey.import_key(one), algorithms=["RS256"]).claims)
            except (JoseError, ValueError):
                continue
            live = claims.get("exp", 0) > self.now().timestamp()
            return claims if live else None
        return None

    async def revoke(self, request: Request) -> Response:
        """End a refresh token; 200 whether there was one or not."""
        form = dict(parse_qsl((await request.body()).decode("utf-8", "replace")))
        try:
            requests.client_of(self.directory, request.headers.get("authorization", ""), form)
        except Refused as refused:
            return JSONResponse({"error": refused.error, "error_description": refused.text}, 401, _NO_STORE)
        self.directory.refresh.pop(digest(form.get("token", "")), None)
        self.saved()
        return Response(b"", 200, _NO_STORE)
