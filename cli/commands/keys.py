"""`leadmill keys …`: API keys, on the machine where the lake lies. Whoever may write there needs no key for it."""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from cli import console
from cli.options import AsJson, DataFolder
from cli.times import shown
from leadmill.access import DEFAULT_PROJECT, Role

if TYPE_CHECKING:
    from data.api_keys import ApiKey, KeyRegistry

app = typer.Typer(help="API keys, on this machine.", no_args_is_help=True, rich_markup_mode=None)

Answer = TypeVar("Answer")
KeyId = Annotated[str, typer.Argument(metavar="ID", help="The key's id: what stands behind `lm_`.")]
#: For Redis, seconds; without it the change counts all the same.
_TIMEOUT_S = 1.0


@app.command("create")
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whose it is, or what for.")],
    role: Annotated[Role, typer.Option(help="viewer reads; operator submits, too; admin also makes keys.")],
    project: Annotated[str, typer.Option(help="What it sees and makes is of this project.")] = DEFAULT_PROJECT,
    expires: Annotated[
        str | None, typer.Option(metavar="TIME", help="90d, 12h …, or a time (default: never).", show_default=False)
    ] = None,
    network: Annotated[
        list[str] | None, typer.Option(metavar="CIDR", help="From where it may be used; may be repeated.")
    ] = None,
    data: DataFolder = None,
) -> int:
    """Make a key and print it. It is shown this once."""
    registry, folder = _changed_registry(data)
    expires_at = None if expires is None else _time(expires)
    first = not registry.table().asks
    made, secret = registry.create(name, role, project, expires_at=expires_at, networks=network or ())
    _note(folder, "create_key", made)
    console.result(secret)
    _tell(made)
    if first:
        console.note(f"from now on the API of {folder} asks for a key")
    return 0


@app.command("list")
def list_keys(data: DataFolder = None, as_json: AsJson = False) -> int:
    """List keys, revoked ones too."""
    from data.api_keys import listed

    registry, folder = _registry(data)
    found = listed(registry.table())
    used = _last_used() if found else {}
    if as_json:
        console.json_result([{**key.shown(), "last_used_at": used.get(key.id)} for key in found])
        return 0
    now = datetime.now(UTC)
    console.table(
        ["id", "name", "role", "project", "state", "last used (UTC)", "expires (UTC)", "networks", "created (UTC)"],
        [
            [
                key.id,
                key.name,
                key.role.value,
                key.project,
                "revoked" if key.revoked_at else "good" if key.is_living(now) else "expired",
                used.get(key.id, "").rstrip("Z").replace("T", " "),
                shown(key.expires_at),
                " ".join(map(str, key.networks)),
                shown(key.created_at),
            ]
            for key in found
        ],
        spare=["created (UTC)"],
    )
    if registry.had_one() and not registry.table().asks:
        console.note(f"the key table of {folder} is gone, so nobody is let in: leadmill doctor says what to do")
    elif not registry.table().asks:
        console.note("no keys; make one with: leadmill keys create NAME --role admin")
    return 0


@app.command("revoke")
def revoke(key_id: KeyId, data: DataFolder = None) -> int:
    """End a key, for good. The API refuses it a second later."""
    registry, folder = _changed_registry(data)
    with _known(key_id):
        revoked = registry.revoke(key_id)
    _note(folder, "revoke_key", revoked)
    console.result(revoked.id)
    if not registry.table().administrators(datetime.now(UTC)):
        console.note(f"nobody can make keys by the API of {folder} now; here: leadmill keys create NAME --role admin")
    return 0


@app.command("rotate")
def rotate(
    key_id: KeyId,
    grace: Annotated[str, typer.Option(metavar="TIME", help="So long the old secret counts, too: 1h, 2d.")] = "0",
    data: DataFolder = None,
) -> int:
    """Give a key a new secret and print it. It is shown this once."""
    from cli.failure import CommandError
    from cli.times import seconds

    registry, folder = _changed_registry(data)
    wanted = seconds(grace)
    if wanted is None or not wanted.is_integer():
        raise CommandError(f"--grace: not a time: {grace}", hint=f"leadmill keys rotate {key_id} --grace 1h")
    with _known(key_id):
        rotated, secret = registry.rotate(key_id, int(wanted))
    _note(folder, "rotate_key", rotated)
    console.result(secret)
    _tell(rotated)
    console.note(f"the old one counts for {grace} more" if wanted else "the old one counts no more")
    return 0


@contextmanager
def _known(key_id: str) -> Iterator[None]:
    """Who gives a key's name, or half an id, is told where ids stand."""
    from cli.failure import CommandError
    from leadmill.errors import NotFoundError

    try:
        yield
    except NotFoundError as error:
        raise CommandError(str(error), hint="leadmill keys list    # its id, the first column") from error


def _tell(key: ApiKey) -> None:
    until = "until it is revoked" if key.expires_at is None else f"until {shown(key.expires_at)} UTC"
    where = f", from {' '.join(map(str, key.networks))}" if key.networks else ""
    console.note(console.clean(f"key {key.id} ({key.name}): {key.role.value} of project {key.project}, {until}{where}"))
    console.note("it is shown this once; commands and clients take it as LEADMILL_API_KEY")


def _note(folder: Path, action: str, key: ApiKey) -> None:
    """Tell the audit, before anybody is told of the new key."""
    from data.audit.machine import note

    note(folder, action, id=key.id, project=key.project)


def _registry(data: Path | None) -> tuple[KeyRegistry, Path]:
    from cli.connection import use_data
    from data.api_keys import KeyRegistry

    folder = use_data(data)
    return KeyRegistry(folder, _announce), folder


def _changed_registry(data: Path | None) -> tuple[KeyRegistry, Path]:
    """That of a change. What root writes into another user's folder, that user's API could not read."""
    from cli.failure import CommandError

    registry, folder = _registry(data)
    with suppress(FileNotFoundError, NotADirectoryError, KeyError):
        owner = folder.stat().st_uid
        if os.geteuid() == 0 and owner != 0:
            raise CommandError(
                f"{folder} is not root's: its API could not read what root writes there",
                hint=f"sudo -u {pwd.getpwuid(owner).pw_name} leadmill keys …",
            )
    return registry, folder


def _announce(version: int) -> None:
    from leadmill.errors import LeadmillError

    try:
        _ask_redis(lambda notes: notes.announce(version))
    except LeadmillError as error:
        console.note(console.clean(f"Redis was not told ({error}); the API sees it by the file, within seconds"))


def _last_used() -> dict[str, str]:
    from leadmill.errors import LeadmillError

    try:
        return _ask_redis(lambda notes: notes.last_used()) or {}
    except LeadmillError as error:
        console.note(console.clean(f"when they were used last is unknown: {error}"))
        return {}


def _ask_redis(ask: Callable[[Any], Answer]) -> Answer | None:
    """What Redis' `KeyNotes` answer, where a server is named: by a running stack, the environment or `.env`."""
    from data.api_keys import KeyNotes
    from data.jobs import JobStore
    from leadmill.settings import get_settings

    settings = get_settings()
    if "redis_url" not in settings.model_fields_set:
        return None
    store = JobStore.connect(settings.redis_url, settings.key_prefix, _TIMEOUT_S, lake=settings.data_dir)
    try:
        return ask(KeyNotes(store))
    finally:
        store.close()


def _time(text: str) -> datetime:
    from cli.failure import CommandError
    from cli.times import from_now

    found = from_now(text, "--expires")
    try:
        return datetime.fromisoformat(found) if isinstance(found, str) else datetime.now(UTC) + timedelta(seconds=found)
    except OverflowError as error:
        raise CommandError(f"--expires: too far away: {text}", hint="--expires 90d") from error
