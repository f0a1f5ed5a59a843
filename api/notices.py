"""/notices: where people and programs are told of what happens. Channels, their secrets and tests, and rules.

Each project has its own; its admin changes them. Rules of the default project may be about all of them.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import Field, StrictInt

from api import problems
from api.auditing import audited
from api.bodies import Body
from api.context import Context, Here
from api.routing import Router
from data.notice_channels import CALLBACK, MAX_GRACE_S, OF_SETTINGS, Rule, StoredChannel, notice_channels
from leadmill import answers
from leadmill.access import Role
from leadmill.notices import Severity
from pipelines.notices.channels.services import service_of, target_of
from pipelines.notices.deliveries import MOST, Deliveries, Result
from pipelines.notices.rules import Rules
from pipelines.notices.setting_up import NoticeSetup

router = Router("/notices", "notices")

_Names = Annotated[list[Annotated[str, Field(min_length=1, max_length=60)]], Field(max_length=50)]


class ChannelBody(Body):
    """A channel."""

    url: Annotated[
        str,
        Field(
            min_length=1,
            max_length=2_000,
            description="`mailtos://…`, `slack://…` and other URLs of services, or a web address: a signed webhook",
        ),
    ]


class RotateSecretBody(Body):
    """How a channel gets its new secret."""

    grace_s: Annotated[
        StrictInt,
        Field(ge=0, le=MAX_GRACE_S, description="So long, in seconds, the old secret signs beside the new one"),
    ] = 86_400


class RuleBody(Body):
    """Which notices go to which channels. A list that is empty asks nothing."""

    channels: Annotated[_Names, Field(min_length=1)]
    kinds: Annotated[_Names, Field(default_factory=list, description="Like `job.failed`, `job.*`")]
    severity: Annotated[Literal["info", "warning", "critical"], Field(description="It, and what is worse")] = "info"
    tags: Annotated[_Names, Field(default_factory=list, description="One of them is a tag of the job")]
    projects: Annotated[
        _Names, Field(default_factory=list, description="Of the default project's rules: others, or `*`")
    ]


class RulesBody(Body):
    """The rules of a project, instead of those it has."""

    rules: Annotated[list[RuleBody], Field(max_length=100)]


@router.get("/channels", role=Role.VIEWER, response_model=answers.NoticeChannelPage, summary="Where notices are sent")
def list_channels(here: Here) -> Response:
    had = _setup(here).channels()
    items = [_shown(one) for _, one in sorted(had.channels.items())]
    if had.callback_secrets:
        callback = {"name": CALLBACK, "type": CALLBACK, "service": "webhook", "target": "each job's callback_url"}
        items.append(
            {**callback, "secrets": len(had.callback_secrets), "off": None, "from_settings": False, "made_at": None}
        )
    return JSONResponse({"items": items, "next_cursor": None})


@router.put(
    "/channels/{name}",
    role=Role.ADMIN,
    response_model=answers.NewNoticeChannel,
    summary="Make a channel, or give it another URL; the answer shows a new webhook's secret this once",
)
def put_channel(name: str, body: ChannelBody, here: Here) -> Response:
    made, secret = _setup(here).put_channel(name, body.url, here.settings.webhook_allow)
    return JSONResponse({**_shown(made), "secret": secret})


@router.delete(
    "/channels/{name}",
    role=Role.ADMIN,
    status_code=204,
    response_class=Response,
    responses=problems.refusals(409),
    summary="Remove a channel that no rule names",
)
def delete_channel(name: str, here: Here) -> Response:
    _setup(here).remove_channel(name)
    return Response(status_code=204)


@router.post(
    "/channels/{name}/test",
    role=Role.OPERATOR,
    response_model=answers.ChannelTest,
    summary="Send a test to a channel, and wait for what comes of it",
)
def test_channel(name: str, here: Here) -> Response:
    tested = _setup(here).test(name)
    return JSONResponse({"taken": tested.taken, "error": tested.error or None})


@router.post(
    "/channels/{name}/rotate",
    role=Role.ADMIN,
    response_model=answers.NoticeSecret,
    responses=problems.refusals(409),
    summary="Give a webhook, or `callback`, a new secret; the answer shows it this once",
)
def rotate_channel(name: str, here: Here, body: RotateSecretBody | None = None) -> Response:
    grace_s = (body or RotateSecretBody()).grace_s
    return JSONResponse({"name": name, "secret": _setup(here).rotate(name, grace_s), "grace_s": grace_s})


@router.get("/rules", role=Role.VIEWER, response_model=answers.NoticeRules, summary="Which notices go where")
def list_rules(here: Here) -> Response:
    return JSONResponse(_rules(here))


@router.put("/rules", role=Role.ADMIN, response_model=answers.NoticeRules, summary="Say which notices go where")
def put_rules(body: RulesBody, here: Here, request: Request) -> Response:
    audited(request, count=len(body.rules))
    _setup(here).put_rules(
        [
            Rule(tuple(one.channels), tuple(one.kinds), Severity(one.severity), tuple(one.tags), tuple(one.projects))
            for one in body.rules
        ]
    )
    return JSONResponse(_rules(here))


@router.get(
    "/deliveries",
    role=Role.VIEWER,
    response_model=answers.NoticeDeliveryPage,
    summary="What became of notices, newest first",
)
def list_deliveries(
    here: Here,
    channel: Annotated[str | None, Query(max_length=100)] = None,
    job: Annotated[str | None, Query(max_length=40)] = None,
    result: Annotated[Result | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 100,
) -> Response:
    found = Deliveries(here.store, Rules(here.settings)).found(channel=channel, job=job, result=result, limit=limit)
    return JSONResponse({"items": found, "next_cursor": None})


@router.post(
    "/deliveries/{delivery_id}/replay",
    role=Role.OPERATOR,
    status_code=204,
    response_class=Response,
    responses=problems.refusals(409),
    summary="Send a notice once more to the channel that it went to",
)
def replay_delivery(delivery_id: str, here: Here) -> Response:
    Deliveries(here.store, Rules(here.settings)).replay(delivery_id)
    return Response(status_code=204)


def _setup(here: Context) -> NoticeSetup:
    channels = notice_channels(here.settings.data_dir)
    return NoticeSetup(here.store, channels, Rules(here.settings, channels), here.caller.project)


def _rules(here: Context) -> dict[str, Any]:
    had = _setup(here).channels()
    named = {name for rule in had.rules for name in rule.channels}
    rules = [
        {
            "kinds": list(rule.kinds), "severity": rule.severity.value, "tags": list(rule.tags),
            "projects": list(rule.projects), "channels": list(rule.channels),
        }
        for rule in had.rules
    ]  # fmt: skip
    return {"rules": rules, "unnamed": sorted(had.channels.keys() - named)}


def _shown(channel: StoredChannel) -> dict[str, Any]:
    service = None if channel.is_webhook else service_of(channel.url)
    from_settings = channel.name.startswith(OF_SETTINGS)
    return {
        "name": channel.name,
        "type": "webhook" if channel.is_webhook else "apprise",
        "service": "webhook" if service is None else service.name,
        "target": target_of(channel.url),
        "secrets": len(channel.secrets),
        "off": channel.off or None,
        "from_settings": from_settings,
        "made_at": None if from_settings else channel.made_at.isoformat(timespec="seconds").replace("+00:00", "Z"),
    }
