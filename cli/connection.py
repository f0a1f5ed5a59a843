"""How a command finds the running stack: the data folder, its run files, a client of its API."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from cli.failure import CommandError
from leadmill.places import url_of

if TYPE_CHECKING:
    from leadmill.client import Client


#: An API answers within this, seconds, also when its Redis does not; a command has answered within five.
QUICK_S = 3.5
#: What to do where a key is asked for.
KEY_HINT = "export LEADMILL_API_KEY_FILE=FILE    # that holds a key; on its machine `leadmill keys create` makes one"


def use_data(folder: Path | None) -> Path:
    """Make `--data` the data folder of this process and its children; returns the folder in force."""
    from leadmill.settings import get_settings

    if folder is not None:
        os.environ["LEADMILL_DATA_URL"] = url_of(folder)
        get_settings.cache_clear()
    return get_settings().data_dir


def find_client(*, needs_store: bool = True, patient: bool = True) -> Client | None:
    """A client of the API that answers just now, or None.

    Who names a data folder means its stack: the default address is then not tried. A `patient` one tries again for half
    a minute what an outage refuses, as suits a command that waits for a job.

    Raises:
        ApiError: LEADMILL_API_URL names one that does not answer.
    """
    from leadmill.client import Client
    from leadmill.client.errors import ApiError
    from leadmill.settings import get_settings

    settings = get_settings()
    named = {"api_url", "api_host", "api_port"} & settings.model_fields_set or (settings.run_dir / "api.url").exists()
    if "data_url" in settings.model_fields_set and not named:
        return None
    client = Client() if patient else Client(retries=0)
    try:
        with Client(client.base_url, timeout=QUICK_S, retries=0) as quick:
            health = quick.health()
    except ApiError as error:
        client.close()
        if (error.status == 0 or error.code == "not_json") and not settings.api_url:
            return None
        raise
    if needs_store and health.get("redis") == "unreachable":
        # Each request would be tried again for half a minute, as it should be behind a short outage.
        client.close()
        why = next(iter(health.get("warnings") or ()), "Redis does not answer")
        raise CommandError(f"{why}; the API at {client.base_url} answers", hint="leadmill doctor")
    return client


def connect(*, needs_store: bool = True, patient: bool = False) -> Client:
    """A client of the running stack.

    Raises:
        CommandError: none answers, or its Redis does not (unless `needs_store` is False).
    """
    client = find_client(needs_store=needs_store, patient=patient)
    if client is None:
        raise CommandError(f"no stack is running on {shown_data_dir()}", hint="leadmill up")
    return client


def shown_data_dir() -> str:
    from leadmill.settings import get_settings

    return url_of(get_settings().data_dir)


def check_key(data_dir: Path) -> None:
    """Refuse at once what the API of a folder would refuse once it is started.

    Raises:
        CommandError: it asks for a key, and LEADMILL_API_KEY is none that counts.
        KeysUnreadableError: which keys there are cannot be told.
    """
    from datetime import UTC, datetime

    from data.api_keys import KeyRegistry
    from leadmill.errors import KeyRefusedError
    from leadmill.settings import get_settings

    table = KeyRegistry(data_dir).table()
    if not table.asks:
        return
    given = get_settings().api_key
    if given is None:
        raise CommandError(f"the API of {url_of(data_dir)} asks for a key", hint=KEY_HINT)
    try:
        table.find(given, "127.0.0.1", datetime.now(UTC))
    except KeyRefusedError as error:
        raise CommandError(f"LEADMILL_API_KEY: {error}", hint=KEY_HINT) from error
