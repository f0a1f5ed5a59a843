"""An OpenID Connect provider on loopback, over real HTTP, with keys of its own; it can misbehave in every way named."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

CLIENT_ID, CLIENT_SECRET = "leadmill", "s3cret/of the+client:ä"
#: Made once: a key takes a tenth of a second.
_KEYS = (RSAKey.generate_key(2048, {"kid": "one"}), ECKey.generate_key("P-256", {"kid": "two"}))


class IdentityProvider:
    """`claims` is who signs in; what tests change is public. Use it as a context."""

    def __init__(self, client_secret: str = CLIENT_SECRET) -> None:
        self._client_secret = client_secret
        self.claims: dict[str, Any] = {"sub": "ada-1", "name": "Ada L.", "groups": ["staff", "sales"]}
        self.keys: list[Any] = list(_KEYS)
        self.key, self.algorithm = self.keys[0], "RS256"
        #: Called with the id token's claims and its header before it is signed.
        self.spoil: Callable[[dict[str, Any], dict[str, Any]], None] = lambda claims, header: None
        #: By path, an answer in the place of the real one: `(status, body)`, or what writes to a handler by itself.
        self.instead: dict[str, Any] = {}
        self.described: dict[str, Any] = {}
        self.asked: list[str] = []
        #: By which it was asked to let somebody in, in order.
        self.addresses: list[str] = []
        self.sent: dict[str, str] = {}
        self._codes: dict[str, dict[str, str]] = {}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer._serve(self, "")

            def do_POST(self) -> None:
                outer._serve(self, self.rfile.read(int(self.headers["Content-Length"])).decode())

            def log_message(self, format: str, *args: Any) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> IdentityProvider:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _serve(self, handler: BaseHTTPRequestHandler, body: str) -> None:
        path = urlsplit(handler.path).path
        self.asked.append(path)
        if (instead := self.instead.get(path)) is not None:
            if callable(instead):
                instead(handler)
                return
            status, answer = instead
        elif path == "/authorize":
            handler.send_response(302)
            handler.send_header("Location", self.let_in(handler.path))
            handler.end_headers()
            return
        else:
            status, answer = {
                "/.well-known/openid-configuration": self._about,
                "/keys": lambda: (200, {"keys": [key.as_dict(private=False) for key in self.keys]}),
                "/token": lambda: self._token(handler, body),
            }.get(path, lambda: (404, {}))()
        raw = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        try:
            handler.send_response(status)
            handler.send_header("Content-Length", str(len(raw)))
            handler.end_headers()
            handler.wfile.write(raw)
        except OSError:  # whoever asked has gone
            return

    def _about(self) -> tuple[int, dict[str, Any]]:
        return 200, {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            **self.described,
        }

    def let_in(self, address: str) -> str:
        """What a person's browser does here, without asking the person: where it is sent back to."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert asked["response_type"] == "code" and asked["client_id"] == CLIENT_ID, asked
        assert asked["code_challenge_method"] == "S256" and "openid" in asked["scope"].split(), asked
        self.addresses.append(address)
        code = secrets.token_urlsafe(16)
        self._codes[code] = asked
        sent = {"code": code, "state": asked["state"], "session_state": "whatever"}
        return f"{asked['redirect_uri']}?{urlencode(sent)}"

    def _token(self, handler: BaseHTTPRequestHandler, body: str) -> tuple[int, dict[str, Any]]:
        form = {name: values[0] for name, values in parse_qs(body).items()}
        self.sent = form
        kind, _, shown = handler.headers.get("Authorization", "").partition(" ")
        given = (form.get("client_id"), form.get("client_secret"))
        if kind == "Basic":
            name, _, secret = base64.b64decode(shown).decode().partition(":")
            given = (unquote(name.replace("+", " ")), unquote(secret.replace("+", " ")))
        if given != (CLIENT_ID, self._client_secret):
            return 401, {"error": "invalid_client"}
        asked = self._codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = _base64(digest)
        if asked is None or asked["redirect_uri"] != form.get("redirect_uri") or asked["code_challenge"] != challenge:
            return 400, {"error": "invalid_grant"}
        return 200, {"access_token": "at-1", "token_type": "Bearer", "id_token": self._id_token(asked["nonce"])}

    def _id_token(self, nonce: str) -> str:
        now = int(time.time())
        claims = {"iss": self.url, "aud": CLIENT_ID, "iat": now, "exp": now + 300, "nonce": nonce, **self.claims}
        header: dict[str, Any] = {"alg": self.algorithm, "kid": self.key.kid}
        self.spoil(claims, header)
        if header["alg"] not in ("none", "HS256"):
            return jwt.encode(header, claims, self.key, algorithms=["RS256", "ES256", "PS256"])
        text = ".".join(_base64(json.dumps(part).encode()) for part in (header, claims))
        # By the public key, which everybody knows.
        mac = hmac.digest(self.key.as_pem(private=False), text.encode(), "sha256")
        return f"{text}.{_base64(mac) if header['alg'] == 'HS256' else ''}"


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
