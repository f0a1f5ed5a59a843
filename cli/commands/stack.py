"""`leadmill up` and `leadmill demo`."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from cli import console
from cli.failure import CommandError
from cli.options import AsJson, DataFolder
from leadmill.places import is_in_bucket, url_of

Workers = Annotated[
    int | None,
    typer.Option(min=1, max=256, help="Processes of each of the two workers (default: one a core, 2 to 8)."),
]


def register(app: typer.Typer) -> None:
    app.command("up")(up)
    app.command("demo")(demo)


def up(
    data: DataFolder = None,
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65_535, help="Port of the API (default: 8000, else a free one; 0: any)."),
    ] = None,
    host: Annotated[str | None, typer.Option(help="Address that the API listens on.", show_default=False)] = None,
    workers: Workers = None,
) -> int:
    """Run the whole stack here until Ctrl-C.

    Redis, two workers, beat, the API with its dashboard, and the made-up sample sites to try it on.
    """
    from api.binding import is_open_to_strangers
    from cli.connection import use_data
    from cli.failure import CommandError
    from cli.interrupts import Stopped, orderly_end
    from cli.local_stack.stack import LocalStack
    from leadmill.settings import get_settings

    folder = use_data(data)
    settings = get_settings()
    host = host or settings.api_host
    if port is None and "api_port" in settings.model_fields_set:
        port = settings.api_port
    if is_open_to_strangers(settings, host):
        raise CommandError(
            f"without API keys only this machine may reach the API, and {host} is open to others",
            hint="leadmill keys create NAME --role admin    # or, in a closed network only: LEADMILL_TRUST_NETWORK=1",
        )
    began = time.monotonic()
    stack = LocalStack(folder, workers=workers, api_host=host, api_port=port, say=console.note, samples=True)
    try:
        with orderly_end(stack), stack:
            console.result(ready_line(stack, time.monotonic() - began))
            while True:
                stack.check_alive()
                time.sleep(0.2)
    except Stopped:
        console.note("stopped")
    return 0


def ready_line(stack: object, seconds: float) -> str:
    """The one line that says where everything is."""
    from cli.local_stack.stack import LocalStack
    from leadmill.redaction import shown

    assert isinstance(stack, LocalStack)
    redis = f"{shown(stack.redis_url)}{' (started here)' if stack.redis_is_ours else ''}"
    return (
        f"ready after {seconds:.1f} s: {stack.api_url}  data {url_of(stack.data_dir)}  redis {redis}  "
        f"workers 2 x {stack.workers}  logs {stack.run.path}/*.log  (Ctrl-C stops all)"
    )


def demo(
    data: DataFolder = None,
    workers: Workers = None,
    as_json: AsJson = False,
) -> int:
    """Crawl made-up company sites here, and show the result.

    They are scored, and what comes out is compared with what the sites say.
    """
    from cli.connection import use_data
    from cli.demo import run_demo

    if is_in_bucket(folder := use_data(data)):
        raise CommandError("the demo wants a folder of this machine", hint="leadmill demo --data ./var")
    return run_demo(folder / "demo", workers=workers, as_json=as_json)
