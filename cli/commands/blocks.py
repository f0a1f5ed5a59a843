"""`leadmill block`, `unblock`, `blocks`: domains that no crawl asks."""

from __future__ import annotations

from typing import Annotated

import typer

from cli import console
from cli.options import AsJson, DataFolder

Domain = Annotated[
    str, typer.Argument(metavar="DOMAIN", help="A domain, a host or an address; all below the domain is meant, too.")
]


def register(app: typer.Typer) -> None:
    app.command("block")(block)
    app.command("unblock")(unblock)
    app.command("blocks")(blocks)


def block(
    domain: Domain,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Told in the errors of its companies.")] = "",
    data: DataFolder = None,
    as_json: AsJson = False,
) -> int:
    """Let a domain be asked no more, by no job of any project; jobs that run stop within seconds."""
    from cli.connection import connect, use_data

    use_data(data)
    with connect() as client:
        made = client.block(domain, reason=reason)
    if as_json:
        console.json_result(made)
    else:
        console.note(f"{made['domain']} is asked no more; again with: leadmill unblock {made['domain']}")
    return 0


def unblock(domain: Domain, data: DataFolder = None, as_json: AsJson = False) -> int:
    """Let a domain be asked again."""
    from cli.connection import connect, use_data
    from leadmill.client.protocol import host_of

    use_data(data)
    with connect() as client:
        client.unblock(domain)
    if as_json:
        console.json_result({"domain": host_of(domain)})
    else:
        console.note(
            f"{console.clean(host_of(domain))} may be asked again; leadmill resume JOB fetches what is missing"
        )
    return 0


def blocks(data: DataFolder = None, as_json: AsJson = False) -> int:
    """List the domains that no crawl asks."""
    from cli.connection import connect, use_data

    use_data(data)
    with connect() as client:
        found = client.blocks()
    if as_json:
        console.json_result(found)
        return 0
    rows = [[one["domain"], one["since"].rstrip("Z").replace("T", " "), one["reason"]] for one in found]
    console.table(["domain", "since (UTC)", "reason"], rows)
    if not found:
        console.note("no domain is blocked; one is with: leadmill block DOMAIN --reason TEXT")
    return 0
