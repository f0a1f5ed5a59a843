"""Routes of the API: each says which role may make its call; where GET is there is HEAD, and a query parameter that a
call does not have is refused.

Every module with calls makes its router by `Router`.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any, TypeVar, get_args, get_origin

from fastapi import APIRouter, Request
from fastapi.responses import Response
from fastapi.routing import APIRoute, RouteContext
from starlette.routing import Match
from starlette.types import Scope

from api.parameters import query_parameters
from leadmill.access import Caller, Role
from leadmill.errors import ForbiddenError, InputError
from leadmill.suggest import unknown

#: Methods that a call may have, in the order in which `Allow` names them.
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


#: Under which a route keeps its role, and OpenAPI first has it (`api.openapi`).
ROLE = "x-role"
#: Set for a call that takes whatever query comes, because somebody else's program makes it.
ANY_QUERY = "x-any-query"
Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


class Route(APIRoute):
    """One call. It is made by those who have its `role`; None: by everybody who reaches the API."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        extra = options.get("openapi_extra") or {}
        if ROLE not in extra:
            raise TypeError(f"{path} declares no role")
        self.role: Role | None = extra[ROLE] and Role(extra[ROLE])
        super().__init__(path, endpoint, **options)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        known, role = dict(self._query_parameters()), self.role
        takes_any = bool((self.openapi_extra or {}).get(ANY_QUERY))

        async def checked(request: Request) -> Response:
            if role is not None:
                _check_role(request.scope["leadmill.caller"], role)
            if request.scope["query_string"] and not takes_any:
                _check_query(request, known)
            return await handle(request)

        return checked

    def _query_parameters(self) -> Iterator[tuple[str, bool]]:
        """The name of each query parameter, and whether it may come several times."""
        for name, field in query_parameters(self.dependant):
            yield name, _is_list(field.annotation)
        for own in (self.openapi_extra or {}).get("parameters", ()):
            if own["in"] == "query":
                schema = own.get("schema", {})
                yield own["name"], any(one.get("type") == "array" for one in (schema, *schema.get("anyOf", ())))


class Router(APIRouter):
    """The calls of one module."""

    def __init__(self, prefix: str = "", *tags: str, **options: Any) -> None:
        # 422 is described by api.openapi; FastAPI would describe its own form of it.
        own: dict[int | str, dict[str, Any]] = {422: {"description": "The request is wrong"}}
        super().__init__(prefix=prefix, tags=list(tags), route_class=Route, responses=own, **options)

    # Each has FastAPI's options, too; the role is the one that has no default.

    def get(self, path: str, *, role: Role | None, **options: Any) -> Callable[[Endpoint], Endpoint]:  # type: ignore[override]
        return self._call("GET", path, role, options)

    def head(self, path: str, *, role: Role | None, **options: Any) -> Callable[[Endpoint], Endpoint]:  # type: ignore[override]
        return self._call("HEAD", path, role, options)

    def post(self, path: str, *, role: Role | None, **options: Any) -> Callable[[Endpoint], Endpoint]:  # type: ignore[override]
        return self._call("POST", path, role, options)

    def put(self, path: str, *, role: Role | None, **options: Any) -> Callable[[Endpoint], Endpoint]:  # type: ignore[override]
        return self._call("PUT", path, role, options)

    def delete(self, path: str, *, role: Role | None, **options: Any) -> Callable[[Endpoint], Endpoint]:  # type: ignore[override]
        return self._call("DELETE", path, role, options)

    def _call(
        self, method: str, path: str, role: Role | None, options: dict[str, Any]
    ) -> Callable[[Endpoint], Endpoint]:
        def add(endpoint: Endpoint) -> Endpoint:
            extra = {**(options.get("openapi_extra") or {}), ROLE: role and role.value}
            self.add_api_route(path, endpoint, methods=[method], **{**options, "openapi_extra": extra})
            return endpoint

        return add

    @cached_property
    def heads(self) -> APIRouter:
        """HEAD of every call that is a GET, and has none of its own."""
        found = Router()
        routes = [route for route in self.routes if isinstance(route, Route)]
        own = {route.path for route in routes if "HEAD" in (route.methods or ())}
        for route in routes:
            if "GET" in (route.methods or ()) and route.path not in own:
                found.head(route.path, role=route.role, include_in_schema=False)(route.endpoint)
        return found


def check_roles(routes: Iterable[RouteContext]) -> None:
    """Refuse an application with a route that declares no role: a mounted one, or one that `Router` did not make.

    Raises:
        TypeError: there is one.
    """
    for route in routes:
        if not isinstance(route.original_route, Route):
            raise TypeError(f"{route.path or route.original_route} declares no role: make it by api.routing.Router")


def allowed(request: Request) -> list[str]:
    """The methods that the address of a request has."""
    scope: Scope = {"type": "http", "path": request.scope["path"], "root_path": "", "headers": []}
    routes = request.app.router.routes
    return [
        method
        for method in METHODS
        if any(route.matches({**scope, "method": method})[0] is Match.FULL for route in routes)
    ]


def _check_role(caller: Caller, needed: Role) -> None:
    if caller.role < needed:
        raise ForbiddenError(f"this needs a key with the role {needed.value}; {caller.name!r} is {caller.role.value}")


def _check_query(request: Request, known: Mapping[str, bool]) -> None:
    seen: set[str] = set()
    for name, _ in request.query_params.multi_items():
        if name not in known:
            raise InputError(unknown("query parameter", name, known), field=name[:200])
        if name in seen and not known[name]:
            raise InputError("given twice", field=name)
        seen.add(name)


def _is_list(annotation: Any) -> bool:
    return any(get_origin(one) is list for one in (annotation, *get_args(annotation)))
