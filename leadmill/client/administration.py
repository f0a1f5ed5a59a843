# Made by `make client` from leadmill/client/asynchronous/administration.py: edit that.
"""What those do with the client who run an installation: projects, the block list, API keys, notices."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Unpack, cast

from leadmill.answers import (
    ApiKey,
    Block,
    BlockPage,
    ChannelTest,
    NewApiKey,
    NewNoticeChannel,
    NoticeChannel,
    NoticeDelivery,
    NoticeRules,
    NoticeSecret,
    Project,
    ProjectPage,
    RoleName,
)
from leadmill.client.job_handle import JobHandle
from leadmill.client.options import DeliveryFilter, RuleOptions, check_names
from leadmill.client.protocol import API, filled, host_of, segment
from leadmill.client.transport import Transport


class Administration:
    """The calls of projects, of the block list, of API keys and of notices; most take a key of an admin."""

    _transport: Transport

    # Projects

    def projects(self) -> list[Project]:
        """Those that the caller sees, with what each may have and what is left of it."""
        return cast(ProjectPage, self._transport.json("GET", f"{API}/projects"))["items"]

    def project(self, name: str) -> Project:
        """One of them."""
        return cast(Project, self._transport.json("GET", f"{API}/projects/{segment(name)}"))

    def set_quotas(self, name: str, quotas: Mapping[str, int | None]) -> Project:
        """Give a project these quotas of its own (None: no limit); those not named are as the settings say."""
        return cast(Project, self._transport.json("PUT", f"{API}/projects/{segment(name)}", json=dict(quotas)))

    def remove_project(self, name: str, *, confirm: str | None = None) -> JobHandle:
        """Remove a project with all that it has, as an admin of the default one; the job that does it.

        `confirm`: the name once more, to cancel its live jobs and end its keys and schedules, too.
        """
        path = f"{API}/projects/{segment(name)}"
        found = self._transport.json("DELETE", path, params=filled({"confirm": confirm}))
        return JobHandle(self._transport, found["job_id"])

    # The block list

    def blocks(self) -> list[Block]:
        """Domains that no crawl asks."""
        return cast(BlockPage, self._transport.json("GET", f"{API}/blocks"))["items"]

    def block(self, domain: str, *, reason: str = "") -> Block:
        """Let a domain, with all below it, be asked no more, also by jobs that run; as an admin of the default project.

        `reason`: told in the errors of its companies.
        """
        path = f"{API}/blocks/{segment(host_of(domain))}"
        return cast(Block, self._transport.json("PUT", path, json={"reason": reason}))

    def unblock(self, domain: str) -> None:
        """Let a domain be asked again."""
        self._transport.request("DELETE", f"{API}/blocks/{segment(host_of(domain))}")

    # API keys, for admins

    def api_keys(self) -> list[ApiKey]:
        """API keys by project and name, revoked ones too; of one's own project, an admin of `default` of all."""
        return list((self._transport.json("GET", f"{API}/keys"))["items"])

    def create_key(
        self,
        name: str,
        role: RoleName,
        *,
        project: str | None = None,
        expires_at: str | None = None,
        networks: Sequence[str] = (),
    ) -> NewApiKey:
        """Make a key; `key` in the answer is the only time that it is told. No `project`: one's own.

        `expires_at`: a time with its zone, like 2027-01-31T08:00:00Z; `networks`: from where it may be used, as CIDR.
        """
        sent = {"name": name, "role": role, **filled({"project": project, "expires_at": expires_at})}
        content = {**sent, "networks": list(networks)} if networks else sent
        return cast(NewApiKey, self._transport.json("POST", f"{API}/keys", json=content))

    def rotate_key(self, key_id: str, *, grace_s: int = 0) -> NewApiKey:
        """Give a key a new secret, told this once; the old one counts for `grace_s` seconds more."""
        path = f"{API}/keys/{segment(key_id)}/rotate"
        return cast(NewApiKey, self._transport.json("POST", path, json={"grace_s": grace_s}))

    def revoke_key(self, key_id: str) -> None:
        """End a key, for good."""
        self._transport.request("DELETE", f"{API}/keys/{segment(key_id)}")

    # Notices

    def notice_channels(self) -> list[NoticeChannel]:
        """Where notices of the caller's project are sent."""
        return list((self._transport.json("GET", f"{API}/notices/channels"))["items"])

    def put_channel(self, name: str, url: str) -> NewNoticeChannel:
        """Make a channel, or give it another URL. `secret` in the answer is the only time that a new webhook's is told.

        `url`: `mailtos://…`, `slack://…` and others (docs/notices.md), or a web address, which is a signed webhook's.
        """
        path = f"{API}/notices/channels/{segment(name)}"
        return cast(NewNoticeChannel, self._transport.json("PUT", path, json={"url": url}))

    def delete_channel(self, name: str) -> None:
        """Remove a channel that no rule names."""
        self._transport.request("DELETE", f"{API}/notices/channels/{segment(name)}")

    def test_channel(self, name: str) -> ChannelTest:
        """Send a test to a channel, and wait for what comes of it."""
        path = f"{API}/notices/channels/{segment(name)}/test"
        return cast(ChannelTest, self._transport.json("POST", path))

    def rotate_channel(self, name: str, *, grace_s: int = 86_400) -> NoticeSecret:
        """Give a webhook, or `callback`, a new secret, told this once; the old one signs for `grace_s` seconds more."""
        path = f"{API}/notices/channels/{segment(name)}/rotate"
        return cast(NoticeSecret, self._transport.json("POST", path, json={"grace_s": grace_s}))

    def notice_rules(self) -> NoticeRules:
        """Which notices go to which channels."""
        return cast(NoticeRules, self._transport.json("GET", f"{API}/notices/rules"))

    def set_notice_rules(self, rules: Iterable[RuleOptions]) -> NoticeRules:
        """Let these be the rules of the caller's project, instead of those it has."""
        sent = {"rules": [dict(rule) for rule in rules]}
        return cast(NoticeRules, self._transport.json("PUT", f"{API}/notices/rules", json=sent))

    def deliveries(self, *, limit: int | None = None, **filters: Unpack[DeliveryFilter]) -> Iterator[NoticeDelivery]:
        """What became of notices, newest first."""
        check_names(filters, DeliveryFilter)
        found = self._transport.pages(f"{API}/notices/deliveries", filters, limit)
        return cast(Iterator[NoticeDelivery], found)

    def replay_delivery(self, delivery_id: str) -> None:
        """Send a notice once more to the channel that it went to."""
        self._transport.request("POST", f"{API}/notices/deliveries/{segment(delivery_id)}/replay")
