"""The OpenAPI document: what FastAPI makes of the routes, and what it cannot know.

That is the refusals that any call may meet, the headers of answers, HEAD, the texts below the fields of
`leadmill.answers`, and the examples (`api/examples/`).
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Literal

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from pydantic import TypeAdapter

from api import problems
from api.bodies import PipelineBody
from api.examples import EXAMPLES
from api.routing import ROLE, Router
from leadmill import answers
from leadmill.access import Role

#: Refusals that any call may meet, and those of calls that change something, and of calls with a body.
_ANY = (400, 413, 421, 422, 429, 431, 500, 503)
_UNSAFE = (403, 507)
_WITH_BODY = (408, 415)
_UNSAFE_METHODS = ("post", "put", "patch", "delete")
#: What makes something or moves a job may be illegal as things stand, or come under a key that stood for another body.
_MADE = {"201", "202"}
#: What no route returns as JSON, but events and errors are made of.
_MORE = (answers.Problem, answers.StatusEvent, answers.StageEvent, answers.UnitEvent, answers.ProgressEvent)

_PROBLEM = {problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
_TEXT = {"type": "string"}
_HEADERS: Mapping[str, dict[str, Any]] = {
    "Allow": {"description": "The methods that this address has", "schema": _TEXT},
    "Idempotency-Replayed": {
        "description": "`true`: the answer is that of an earlier request with the same Idempotency-Key",
        "schema": {"type": "string", "enum": ["true"]},
    },
    "Location": {
        "description": "Where to ask for what was made",
        "schema": {"type": "string", "format": "uri-reference"},
    },
    "Retry-After": {"description": "Seconds to wait before the next try", "schema": {"type": "integer", "minimum": 1}},
    "WWW-Authenticate": {"description": "How to send a key", "schema": _TEXT},
    "X-Request-ID": {"description": "The request's own `X-Request-ID`, else one of ours", "schema": _TEXT},
}
#: Headers of answers, by status.
_OF_STATUS = {
    "201": ["Location"], "202": ["Location"], "401": ["WWW-Authenticate"], "405": ["Allow"], "429": ["Retry-After"],
    "503": ["Retry-After"],
}  # fmt: skip

#: Ways to send a key. One is enough, and none is asked for where no key was ever made.
_SCHEMES: Mapping[str, dict[str, str]] = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An API key, `lm_…`"},
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "The same"},
}

router = Router()


@router.get("/openapi.json", role=Role.VIEWER, include_in_schema=False)
def openapi(request: Request) -> Response:
    return JSONResponse(request.app.openapi())


def document(app: FastAPI) -> dict[str, Any]:
    """The document of an application, made once."""
    if app.openapi_schema is None:
        made = FastAPI.openapi(app)
        schemas = made["components"]["schemas"]
        for one in _MORE:
            _add(schemas, _schema(one, "serialization"))
        _add(schemas, _schema(PipelineBody, "validation"))  # it is read by hand, so FastAPI does not know it
        _describe(schemas)
        for path, calls in made["paths"].items():
            for method, call in calls.items():
                _complete(call, method, path)
            if "get" in calls:
                calls["head"] = _head(calls["get"])
        made["components"] |= {"responses": dict(_refusals()), "headers": _HEADERS, "securitySchemes": _SCHEMES}
        for name, example in EXAMPLES.items():
            if name in schemas:
                schemas[name]["examples"] = [example]
        app.openapi_schema = made
    return app.openapi_schema


def _schema(of: Any, mode: Literal["serialization", "validation"]) -> dict[str, Any]:
    return TypeAdapter(of).json_schema(mode=mode, ref_template="#/components/schemas/{model}")


def _add(schemas: dict[str, Any], schema: dict[str, Any]) -> None:
    schemas.update(schema.pop("$defs", {}))
    schemas.setdefault(schema["title"], schema)


def _complete(call: dict[str, Any], method: str, path: str) -> None:
    """Say which refusals a call may meet, and the headers of its answers."""
    responses = call["responses"]
    role = call.pop(ROLE, None)
    call["security"] = [] if role is None else [*({name: [role]} for name in _SCHEMES), {}]
    statuses = {*_ANY, *(int(status) for status in responses if status >= "400")}
    statuses |= {401} if role else set()
    statuses |= {403} if role not in (None, Role.VIEWER.value) else set()
    statuses |= {*(_UNSAFE if method in _UNSAFE_METHODS else ())}
    statuses |= {*(_WITH_BODY if "requestBody" in call else ())}
    statuses |= {409} if _MADE & responses.keys() else set()
    statuses |= {404} if "{" in path else set()
    for status in statuses:
        if content := responses.get(str(status), {}).get("content"):
            content |= _PROBLEM
        else:
            responses[str(status)] = {"$ref": f"#/components/responses/{problems.CODES[status]}"}
    for status, answer in responses.items():
        names = [*_OF_STATUS.get(status, ()), *(["Idempotency-Replayed"] if _may_repeat(call, status) else ())]
        if names and "$ref" not in answer:
            answer.setdefault("headers", {}).update(_references(names))
    call["responses"] = dict(sorted(responses.items()))


def _may_repeat(call: Mapping[str, Any], status: str) -> bool:
    return status == "202" and any(one["name"].lower() == "idempotency-key" for one in call.get("parameters", ()))


def _references(names: list[str]) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _refusals() -> Iterator[tuple[str, dict[str, Any]]]:
    for status, title in problems.TITLES.items():
        headers = _references([*_OF_STATUS.get(str(status), ()), "X-Request-ID"])
        yield problems.CODES[status], {"description": title, "headers": headers, "content": _PROBLEM}


def _head(get: Mapping[str, Any]) -> dict[str, Any]:
    """HEAD of a call: the same without a body."""
    bare = {
        status: answer if "$ref" in answer else {name: value for name, value in answer.items() if name != "content"}
        for status, answer in get["responses"].items()
    }
    kept = {name: value for name, value in get.items() if name in ("tags", "parameters", "security")}
    return {
        **kept,
        "summary": f"The headers of: {get['summary'][:1].lower()}{get['summary'][1:]}",
        "operationId": f"{get['operationId']}_head",
        "responses": bare,
    }


# ---- texts ---------------------------------------------------------------------------------------------


def _describe(schemas: dict[str, Any]) -> None:
    """Give the fields of answers the texts that stand below them in the code."""
    for name, texts in _texts().items():
        for field, text in texts.items():
            if name in schemas and field in schemas[name]["properties"]:
                schemas[name]["properties"][field]["description"] = text


@cache
def _texts() -> dict[str, dict[str, str]]:
    """Name of an answer → field → text, from the sources, which are parsed once (pydantic would for every class)."""
    modules = dict.fromkeys(getattr(answers, name).__module__ for name in answers.__all__)
    trees = [ast.parse(inspect.getsource(sys.modules[name])) for name in modules if name.startswith(answers.__name__)]
    classes = {node.name: node for tree in trees for node in tree.body if isinstance(node, ast.ClassDef)}
    found: dict[str, dict[str, str]] = {}
    for name, node in classes.items():
        found[name] = {}
        for base in node.bases:
            found[name] |= found.get(base.id, {}) if isinstance(base, ast.Name) else {}
        for field, text in zip(node.body, node.body[1:], strict=False):
            match field, text:
                case ast.AnnAssign(target=ast.Name(id=field_name)), ast.Expr(value=ast.Constant(value=str(said))):
                    found[name][field_name] = said
    return found
