"""A client that holds every answer against the OpenAPI document: its status, its media type, its headers, its JSON."""

from __future__ import annotations

import json
import re
from typing import Any

import jsonschema_rs
from fastapi import FastAPI
from fastapi.testclient import TestClient

PROBLEM = "application/problem+json"
#: Where a person sends a form, and is answered with a page; elsewhere one may be where no program asks.
_PAGES = ("/sign-in", "/sign-out")
_FOR_PROGRAMS = "/api/"
_JSON = ("application/json", PROBLEM)


class Contract:
    """One document."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        # Fixed words before names: /jobs/list is no {job_id}.
        paths = sorted(document["paths"], key=lambda path: path.count("{"))
        self._paths = [(re.compile(re.sub(r"\{\w+\}", "[^/]+", path) + r"\Z"), path) for path in paths]
        self._validators: dict[str, Any] = {}

    def check(self, method: str, path: str, status: int, headers: Any, body: bytes) -> None:
        """Fails when an answer is not what the document says."""
        about = f"{method} {path} → {status} {body[:300]!r}"
        media = headers.get("content-type", "").partition(";")[0]
        call = self._call(method, path)
        if call is None:
            may_be = {"text/html"} if path in _PAGES else {PROBLEM, "text/html"}
            assert status < 400 or media in may_be - ({"text/html"} if path.startswith(_FOR_PROGRAMS) else set()), about
            schema = {"$ref": "#/components/schemas/Problem"} if status >= 400 else None
        else:
            assert str(status) in call["responses"], f"undocumented: {about}"
            answer = self._resolved(call["responses"][str(status)])
            for name, header in answer.get("headers", {}).items():
                assert name in headers or name == "Idempotency-Replayed", f"no {name}: {about}"
                if "integer" in self._resolved(header)["schema"].values():
                    assert headers[name].isdigit()
            content = answer.get("content", {})
            assert media in content or not (body or content) or method == "HEAD", f"{media}: {about}"
            schema = content.get(media, {}).get("schema")
        if schema and media in _JSON and method != "HEAD":
            self._validator(schema).validate(json.loads(body))

    def _call(self, method: str, path: str) -> Any:
        for pattern, named in self._paths:
            if pattern.match(path) and method.lower() in self._document["paths"][named]:
                return self._document["paths"][named][method.lower()]
        return None

    def _resolved(self, node: dict[str, Any]) -> dict[str, Any]:
        if "$ref" not in node:
            return node
        _, group, name = node["$ref"].removeprefix("#/").split("/")
        found: dict[str, Any] = self._document["components"][group][name]
        return found

    def _validator(self, schema: dict[str, Any]) -> Any:
        key = json.dumps(schema, sort_keys=True)
        if key not in self._validators:
            whole = {**schema, "components": self._document["components"]}
            self._validators[key] = jsonschema_rs.Draft202012Validator(whole)
        return self._validators[key]


_contracts: list[Contract] = []


def contract_of(app: FastAPI) -> Contract:
    """What the applications of a test session promise: all of them the same."""
    if not _contracts:
        _contracts.append(Contract(app.openapi()))
    return _contracts[0]


class ContractClient(TestClient):
    """A test's client: an answer that the document does not describe fails the test."""

    def request(self, method: str, url: Any, **what: Any) -> Any:
        answer = super().request(method, url, **what)
        app = self.app
        assert isinstance(app, FastAPI)
        sent = answer.history[0] if answer.history else answer
        # By what was asked: an odd address may be another one once it is sent.
        contract_of(app).check(sent.request.method, sent.request.url.path, sent.status_code, sent.headers, sent.content)
        return answer
