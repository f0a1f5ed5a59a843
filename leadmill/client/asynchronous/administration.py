"""What those do with the client who run an installation: projects, the block list, API keys, notices."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
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
from leadmill.client.asynchronous.job_handle import AsyncJobHandle
from leadmill.client.asynchronous.transport import AsyncTransport
from leadmill.client.options import DeliveryFilter, RuleOptions, check_names
from leadmill.client.protocol import API, filled, host_of, segment


class AsyncAdministration:
    """The calls of projects, of the block list, of API keys and of notices; most take a key of an admin."""

    _transport: AsyncTransport

    # Projects

    async def projects(self) -> list[Project]:
        """Those that the caller sees, with what each may have and what is left of it."""
        return cast(ProjectPage, await self._transport.json("GET", f"{API}/projects"))["items"]

    async def project(self, name: str) -> Project:
        """One of them."""
        return cast(Project, await self._transport.json("GET", f"{API}/projects/{segment(name)}"))

    async def set_quotas(self, name: str, quotas: Mapping[str, int | None]) -> Project:
        """Give a project these quotas of its own (None: no limit); those not named are as the settings say."""
        return cast(Project, await self._transport.json("PUT", f"{API}/projects/{segment(name)}", json=dict(quotas)))

    async def remove_project(self, name: str, *, confirm: str | None = None) -> AsyncJobHandle:
        """Remove a project with all that it has, as an admin of the default one; the job that does it.

        `confirm`: the name once more, to cancel its live jobs and end its keys and schedules, too.
        """
        path = f"{API}/projects/{segment(name)}"
        found = await self._transport.json("DELETE", path, params=filled({"confirm": confirm}))
        return AsyncJobHandle(self._transport, found["job_id"])

    # The block list

    async def blocks(self) -> list[Block]:
        """Domains that no crawl asks."""
        return cast(BlockPage, await self._transport.json("GET", f"{API}/blocks"))["items"]

    async def block(self, domain: str, *, reason: str = "") -> Block:
        """Let a domain, with all below it, be asked no more, also by jobs that run; as an admin of the default project.

        `reason`: told in the errors of its companies.
        """
        path = f"{API}/blocks/{segment(host_of(domain))}"
        return cast(Block, await self._transport.json("PUT", path, json={"reason": reason}))

    async def unblock(self, domain: str) -> None:
        """Let a domain be asked again."""
        await self._transport.request("DELETE", f"{API}/blocks/{segment(host_of(domain))}")

    # API keys, for admins

    async def api_keys(self) -> list[ApiKey]:
        """API keys by project and name, revoked ones too; of one's own project, an admin of `default` of all."""
        return list((await self._transport.json("GET", f"{API}/keys"))["items"])

    async def create_key(
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
        return cast(NewApiKey, await self._transport.json("POST", f"{API}/keys", json=content))

    async def rotate_key(self, key_id: str, *, grace_s: int = 0) -> NewApiKey:
        """Give a key a new secret, told this once; the old one counts for `grace_s` seconds more."""
        path = f"{API}/keys/{segment(key_id)}/rotate"
        return cast(NewApiKey, await self._transport.json("POST", path, json={"grace_s": grace_s}))

    async def revoke_key(self, key_id: str) -> None:
        """End a key, for good."""
        await self._transport.request("DELETE", f"{API}/keys/{segment(key_id)}")

    # Notices

    async def notice_channels(self) -> list[NoticeChannel]:
        """Where notices of the caller's project are sent."""
        return list((await self._transport.json("GET", f"{API}/notices/channels"))["items"])

    async def put_channel(self, name: str, url: str) -> NewNoticeChannel:
        """Make a channel, or give it another URL. `secret` in the answer is the only time that a new webhook's is told.

        `url`: `mailtos://…`, `slack://…` and others (docs/notices.md), or a web address, which is a signed webhook's.
        """
        path = f"{API}/notices/channels/{segment(name)}"
        return cast(NewNoticeChannel, await self._transport.json("PUT", path, json={"url": url}))

    async def delete_channel(self, name: str) -> None:
        """Remove a channel that no rule names."""
        await self._transport.request("DELETE", f"{API}/notices/channels/{segment(name)}")

    async def test_channel(self, name: str) -> ChannelTest:
        """Send a test to a channel, and wait for what comes of it."""
        path = f"{API}/notices/channels/{segment(name)}/test"
        return cast(ChannelTest, await self._transport.json("POST", path))

    async def rotate_channel(self, name: str, *, grace_s: int = 86_400) -> NoticeSecret:
        """Give a webhook, or `callback`, a new secret, told this once; the old one signs for `grace_s` seconds more."""
        path = f"{API}/notices/channels/{segment(name)}/rotate"
        return cast(NoticeSecret, await self._transport.json("POST", path, json={"grace_s": grace_s}))

    async def notice_rules(self) -> NoticeRules:
        """Which notices go to which channels."""
        return cast(NoticeRules, await self._transport.json("GET", f"{API}/notices/rules"))

    async def set_notice_rules(self, rules: Iterable[RuleOptions]) -> NoticeRules:
        """Let these be the rules of the caller's project, instead of those it has."""
        sent = {"rules": [dict(rule) for rule in rules]}
        return cast(NoticeRules, await self._transport.json("PUT", f"{API}/notices/rules", json=sent))

    def deliveries(
        self, *, limit: int | None = None, **filters: Unpack[DeliveryFilter]
    ) -> AsyncIterator[NoticeDelivery]:
        """What became of notices, newest first."""
        check_names(filters, DeliveryFilter)
        found = self._transport.pages(f"{API}/notices/deliveries", filters, limit)
        return cast(AsyncIterator[NoticeDelivery], found)

    async def replay_delivery(self, delivery_id: str) -> None:
        """Send a notice once more to the channel that it went to."""
        await self._transport.request("POST", f"{API}/notices/deliveries/{segment(delivery_id)}/replay")
