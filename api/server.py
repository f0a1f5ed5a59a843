"""Serving the API: uvicorn with what bounds its clients."""

from __future__ import annotations

import resource

import uvicorn
from fastapi import FastAPI

from api.connections import Limits, bounded
from leadmill import log
from leadmill.settings import get_settings

#: Open files wanted: one for each connection, and some for everything else.
_OTHER_FILES = 200


def serve(app: FastAPI, host: str, port: int) -> None:
    """Serve until told to stop; open event streams get three seconds."""
    log.configure(get_settings(), "api")  # also for what the server itself says, of a start that fails, too
    uvicorn.run(
        app,
        host=host,
        port=port,
        http=bounded(Limits(connections=_room_for(Limits.connections))),
        ws="none",  # no call uses WebSockets, and an upgraded connection would escape every limit
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=10,  # open pages ask again after 5 s at most: not over a new connection each time
        timeout_graceful_shutdown=3,
    )


def _room_for(connections: int) -> int:
    """So many connections, or as many as this process may have files for; raises its soft limit where that helps."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + _OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        return max(soft - _OTHER_FILES, soft // 2)
    return connections
