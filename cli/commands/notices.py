"""`leadmill notices …`: who is told of what happens."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import console
from cli.options import AsJson, DataFolder, Limit

if TYPE_CHECKING:
    from leadmill.client.options import RuleOptions

app = typer.Typer(help="Who is told of what happens.", no_args_is_help=True, rich_markup_mode=None)
channels_app = typer.Typer(help="Where notices are sent.", no_args_is_help=True, rich_markup_mode=None)
rules_app = typer.Typer(help="Which notices go where.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(channels_app, name="channels")
app.add_typer(rules_app, name="rules")

Channel = Annotated[str, typer.Argument(metavar="NAME", help="The channel.")]
Names = Annotated[list[str], typer.Argument(metavar="CHANNEL…", help="Where to.")]
Kinds = Annotated[
    list[str] | None, typer.Option("--kind", metavar="KIND", help="job.failed, job.* …; may be repeated.")
]
SeverityName = Annotated[str, typer.Option(metavar="LEVEL", help="info, warning or critical; and what is worse.")]
OfTags = Annotated[list[str] | None, typer.Option("--tag", help="A tag of the job; may be repeated.")]
Projects = Annotated[
    list[str] | None,
    typer.Option("--project", metavar="NAME", help="Another project, or '*' (for admins of `default`)."),
]


@channels_app.command("list")
def list_channels(data: DataFolder = None, as_json: AsJson = False) -> int:
    """List channels; their secrets are not told."""
    from cli.connection import connect, use_data

    use_data(data)
    with connect(needs_store=False) as client:
        found = client.notice_channels()
    if as_json:
        console.json_result(found)
        return 0
    rows = [
        [
            one["name"],
            one["service"],
            one["target"],
            f"off: {one['off']}" if one["off"] else "on",
            {0: "", 1: "1 secret"}.get(one["secrets"], f"{one['secrets']} secrets"),
        ]
        for one in found
    ]
    console.table(["channel", "service", "where", "state", "signed by"], rows)
    if not found:
        console.note("nobody is told of anything; leadmill notices channels add mail 'mailtos://…' changes that")
    return 0


@channels_app.command("add")
def add_channel(
    name: Channel,
    url: Annotated[
        str | None,
        typer.Argument(metavar="URL", help="mailtos://…, slack://… or https://… (a webhook); else it is read."),
    ] = None,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> int:
    """Make a channel, or give it another URL. Without URL it is read from standard input, so no history keeps it."""
    from cli.connection import connect, use_data

    given = url if url is not None else _read_url()
    use_data(data)
    with connect(needs_store=False) as client:
        made = client.put_channel(name, given.strip())
    if as_json:
        console.json_result(made)
        return 0
    if made["secret"]:
        console.result(made["secret"])
        console.note(f"{made['name']}: signed webhook to {made['target']}")
        console.note("its secret, by which the receiver checks signatures, is shown this once")
    else:
        console.note(f"{made['name']}: {made['service']} ({made['target']})")
    console.note(f"try it: leadmill notices channels test {made['name']}")
    return 0


def _read_url() -> str:
    """From a terminal unseen, else the first line of standard input."""
    return str(typer.prompt("URL", hide_input=True, err=True)) if sys.stdin.isatty() else sys.stdin.readline()


@channels_app.command("remove")
def remove_channel(name: Channel, data: DataFolder = None) -> int:
    """Remove a channel that no rule names; what waits for it is given up."""
    from cli.connection import connect, use_data

    use_data(data)
    with connect(needs_store=False) as client:
        client.delete_channel(name)
    console.result(name)
    return 0


@channels_app.command("test")
def test_channel(name: Channel, data: DataFolder = None, as_json: AsJson = False) -> int:
    """Send a test to a channel, and say what came of it."""
    from cli.connection import connect, use_data
    from cli.failure import Exit

    use_data(data)
    with connect(needs_store=False) as client:
        came = client.test_channel(name)
    if as_json:
        console.json_result(came)
    elif came["taken"]:
        console.note(f"{name} has taken it")
    else:
        console.error(f"{name} has not taken it: {came['error']}")
    return 0 if came["taken"] else Exit.USER_ERROR


@app.command("rotate")
def rotate(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A webhook, or `callback`: that of --callback-url.")],
    grace: Annotated[str, typer.Option(metavar="TIME", help="So long the old secret signs, too: 1h, 2d.")] = "1d",
    data: DataFolder = None,
    as_json: AsJson = False,
) -> int:
    """Give a webhook a new secret and print it. It is shown this once."""
    from cli.connection import connect, use_data
    from cli.failure import CommandError
    from cli.times import seconds

    wanted = seconds(grace)
    if wanted is None or not wanted.is_integer():
        raise CommandError(f"--grace: not a time: {grace}", hint=f"leadmill notices rotate {name} --grace 1d")
    use_data(data)
    with connect(needs_store=False) as client:
        made = client.rotate_channel(name, grace_s=int(wanted))
    if as_json:
        console.json_result(made)
        return 0
    console.result(made["secret"])
    console.note("it is shown this once")
    console.note(f"what {name} sends is signed by it, and for {grace} more by the old one, if there was one")
    return 0


@app.command("log")
def log(
    channel: Annotated[str | None, typer.Option(metavar="NAME", help="To this channel.", show_default=False)] = None,
    job: Annotated[str | None, typer.Option(metavar="JOB", help="Of this job.", show_default=False)] = None,
    result: Annotated[
        str | None, typer.Option(metavar="RESULT", help="waiting, sent or given_up.", show_default=False)
    ] = None,
    limit: Limit = 50,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> int:
    """What became of notices, newest first."""
    from cli.connection import connect, use_data

    use_data(data)
    with connect() as client:
        found = list(client.deliveries(channel=channel, job=job, result=result, limit=limit))  # type: ignore[arg-type]
    if as_json:
        console.json_result(found)
        return 0
    rows = [
        [
            (one["at"] or "")[:19].replace("T", " "),
            one["channel"],
            one["result"].replace("_", " "),
            str(one["attempt"]),
            one["title"],
            one["error"] or ("the same cause is told once an hour" if one["held"] else ""),
            one["id"],
        ]
        for one in found
    ]
    console.table(["at (UTC)", "channel", "result", "tries", "notice", "error", "id"], rows, spare=["id", "tries"])
    if not found:
        console.note("nothing was told that matches; channels are named by: leadmill notices channels list")
    elif lost := [one["id"] for one in found if one["result"] == "given_up"]:
        console.note(f"to send it again: leadmill notices replay {shlex.quote(lost[0])}")
        if len(lost) > 1:
            console.note("the other ids: leadmill notices log --result given_up --json")
    return 0


@app.command("replay")
def replay(
    delivery: Annotated[str, typer.Argument(metavar="ID", help="Of the delivery, as `leadmill notices log` tells it.")],
    data: DataFolder = None,
) -> int:
    """Send a notice once more to the channel that it went to."""
    from cli.connection import connect, use_data

    use_data(data)
    with connect() as client:
        client.replay_delivery(delivery)
    console.result(delivery)
    return 0


@rules_app.command("list")
def list_rules(data: DataFolder = None, as_json: AsJson = False) -> int:
    """List rules, and the channels that no rule names: they hear of every warning, and of what is worse."""
    from cli.connection import connect, use_data

    use_data(data)
    with connect(needs_store=False) as client:
        found = client.notice_rules()
    if as_json:
        console.json_result(found)
        return 0
    rows = [
        [
            str(number),
            ", ".join(rule["kinds"]) or "all",
            rule["severity"],
            ", ".join(rule["tags"]) or "any",
            ", ".join(rule["projects"]),
            ", ".join(rule["channels"]),
        ]
        for number, rule in enumerate(found["rules"], 1)
    ]
    rows += [["", "all", "warning", "any", "", name] for name in found["unnamed"]]
    console.table(["rule", "kinds", "from", "tags", "projects", "to"], rows)
    return 0


@rules_app.command("add")
def add_rule(
    channels: Names,
    kind: Kinds = None,
    severity: SeverityName = "info",
    tag: OfTags = None,
    project: Projects = None,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> int:
    """Send what matches to some channels. These then hear of that alone, and of what other rules send them."""
    from cli.connection import connect, use_data

    rule: Any = {
        "channels": channels, "kinds": kind or [], "severity": severity, "tags": tag or [], "projects": project or [],
    }  # fmt: skip
    use_data(data)
    with connect(needs_store=False) as client:
        had: list[Any] = list(client.notice_rules()["rules"])
        made = client.set_notice_rules([*had, rule])
    if as_json:
        console.json_result(made)
        return 0
    console.note(f"rule {len(made['rules'])}: to {', '.join(channels)}")
    return 0


@rules_app.command("remove")
def remove_rule(
    number: Annotated[int, typer.Argument(metavar="N", min=1, help="Its number: leadmill notices rules list.")],
    data: DataFolder = None,
) -> int:
    """Remove a rule."""
    from cli.connection import connect, use_data
    from cli.failure import CommandError

    use_data(data)
    with connect(needs_store=False) as client:
        had: list[RuleOptions] = list(client.notice_rules()["rules"])  # type: ignore[arg-type]
        if number > len(had):
            raise CommandError(f"no rule {number}; there are {len(had)}", hint="leadmill notices rules list")
        client.set_notice_rules([*had[: number - 1], *had[number:]])
    console.result(str(number))
    return 0
