"""Settings of what an installation may do, with whom and where it may speak (the group `permission`)."""

from __future__ import annotations

from pathlib import Path

from pydantic_settings import BaseSettings

from leadmill.setting_forms import (
    Issuer,
    MailAddress,
    Networks,
    ProxyUrl,
    RolesText,
    SigningKeys,
    SmtpUrl,
    Words,
    setting,
)


class PermissionSettings(BaseSettings):
    """A part of `leadmill.settings.Settings`."""

    oidc_issuer: Issuer | None = setting(
        None,
        "An OpenID Connect provider by which people [sign in](team.md#people-sign-in-by-a-provider), as it names "
        "itself: `https://login.example.org`. Needs `pip install 'leadmill[oidc]'`, the next three, and an API key.",
        shown="people sign in by a key",
    )
    oidc_client_id: str | None = setting(None, "How the provider knows this installation.", shown="none")
    oidc_client_secret: str | None = setting(
        None,
        "What it shows the provider; at least 16 characters.",
        shown="none",
        hides="value",
        min_length=16,
    )
    oidc_roles: RolesText | None = setting(
        None,
        "Who may do what: `leads-admins=admin,sales=operator:acme`, each a value of the claim, a role, and a project "
        "if not the default. What stands first of all that somebody has counts; who has none is not let in.",
        shown="none",
    )
    oidc_claim: str = setting(
        "groups",
        "The claim in which the provider names them: `groups`, `roles`, or `email` (if it says that it is verified).",
        min_length=1,
    )
    oidc_scopes: str = setting(
        "openid profile email",
        "What the provider is asked for. Some want one of its own before they tell groups: `openid profile groups`.",
        pattern=r"^openid( [\x21\x23-\x5b\x5d-\x7e]+)*$",
    )

    signing_key: SigningKeys | None = setting(
        None,
        "A secret of at least 32 characters (`openssl rand -hex 32`), the same for every process: each message carries "
        "a MAC made with it, and workers throw away the others. Several, comma-separated, while it is exchanged: the "
        "first signs, all are taken ([the broker as a boundary](operations.md#the-broker-as-a-boundary)).",
        shown="messages are not signed",
        hides="value",
    )
    strict: bool = setting(
        False,
        "`1`: refuse instead of warning: a Redis that could lose jobs (no append-only file, an eviction policy), and a "
        "variable `LEADMILL_…` that is no setting.",
    )
    egress_allow: Networks = setting(
        [],
        "Networks (CIDR, comma-separated) the crawler may dial although they are not public: `10.1.0.0/16`. Addresses "
        "where clouds tell a machine its secrets (169.254.169.254, 168.63.129.16 …) only when named alone.",
    )
    http_proxy: ProxyUrl | None = setting(
        None,
        "Forward proxy for crawling, `http://host:port` or `http://user:password@host:port`. It is the only one: "
        "proxies of the environment are not used.",
        hides="url",
    )
    smtp_url: SmtpUrl | None = setting(
        None,
        "Mail server that reports are mailed by (`report.mail_to` of a job, [how](operations.md#reports-by-mail)): "
        "`smtps://user:password@host:465`, or `smtp://…` (port 587), encrypted where it offers that; a password is "
        "only sent encrypted. `?from=ADDRESS` behind it is the sender. The same for every process.",
        shown="none: no report is mailed",
        hides="url",
    )
    mail_from: MailAddress | None = setting(
        None, "Sender of mailed reports, instead of that of `LEADMILL_SMTP_URL`.", shown="`leadmill@` and its host"
    )
    mail_domains: Words = setting(
        [],
        "Domains, comma-separated, that jobs may have something mailed to (`report.mail_to`, addresses in `notify`): "
        "`example.com,example.org`. A job that names another address is refused.",
        shown="any",
    )
    allow_user_agent: bool = setting(
        False,
        "`1`: a job may name the User-Agent that its crawl sends (`crawl.user_agent`); robots.txt then addresses it by "
        "that name. Without it such a job is refused.",
    )
    respect_signals: bool = setting(
        False,
        "`1`: every crawl obeys what sites ask of all robots beside robots.txt (`noindex`, `nofollow`, "
        "`Content-Signal: search=no`; [operations](operations.md#what-sites-ask-of-robots)). Without it those of jobs "
        "that ask for it do (`crawl.respect_signals`).",
    )
    notify_urls: str | None = setting(
        None,
        "Where the default project's warnings and failures are told: URLs of mail, Slack, Teams, Matrix, ntfy …, "
        "comma-separated ([notices](notices.md)). A comma within one is written `%2C`. The same for every process.",
        shown="none",
        hides="value",
    )
    webhook_allow: Networks = setting(
        [],
        "Networks (CIDR, comma-separated) that notices may be sent to although they are not public: `10.1.2.0/24`, "
        "a mail server or a receiver of webhooks. Metadata addresses of clouds only when named alone.",
    )
    workers_deliver: bool = setting(
        True,
        "`0`: no worker starts a [deliverer](operations.md#who-delivers-notices), so API and beat alone send: for "
        "workers that do not reach whom is told, as in compose.",
    )
    search_provider: str | None = setting(
        None,
        "What `search_queries` search, as `name:argument` of a [search provider](extending.md#a-search-provider): "
        "`directory:FILE`, a CSV or Parquet file with `name,url,keywords`.",
        shown="the companies in the lake",
        hides="argument",
    )
    scoring_file: Path | None = setting(
        None,
        "A TOML file of scoring rules for jobs that name no model ([scoring](scoring.md)).",
        shown="built-in",
    )
    layouts_dir: Path | None = setting(
        None,
        "A folder of TOML files, each a [layout](layouts.md#a-layout-of-your-own) of CSV and XLSX by the file's name.",
        shown="none",
    )
    models_dir: Path | None = setting(
        None,
        "A folder of TOML files that jobs name: scoring models (`scoring_model`) and ideal customer profiles (`icp`); "
        "`shops.toml` is `shops` ([scoring](scoring.md)).",
        shown="none",
    )
    retention_days: int = setting(
        90, "Cleanup takes jobs that ended longer ago, and reports on demand that were made longer ago.", ge=1
    )
    audit_retention_days: int = setting(
        400, "Cleanup removes months of the [audit](audit.md) whose last day is longer ago.", ge=1
    )
    ledger_retention_days: int = setting(
        400,
        "Cleanup removes months of the [ledger](operations.md#what-was-asked-of-a-site) that ended longer ago.",
        ge=1,
    )
