"""Signing in by a provider with a real browser, which keeps the cookies' rules by itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from data.api_keys import KeyRegistry
from docs import chromium
from docs.chromium import Chromium
from leadmill.access import Role
from leadmill.settings import Settings
from tests.api.conftest import running_api
from tests.api.test_browser import until
from tests.stand_ins.identity_provider import CLIENT_ID, CLIENT_SECRET, IdentityProvider

pytestmark = [
    pytest.mark.stack,
    pytest.mark.skipif(chromium.program() is None, reason="this machine has no Chromium"),
]


def test_a_person_signs_in_by_a_provider_and_comes_to_the_page_that_was_asked_for(
    settings: Settings, tmp_path: Path
) -> None:
    KeyRegistry(settings.data_dir).create("first", Role.ADMIN)
    with IdentityProvider() as idp, Chromium() as browser:
        given = {
            "LEADMILL_OIDC_ISSUER": idp.url, "LEADMILL_OIDC_CLIENT_ID": CLIENT_ID,
            "LEADMILL_OIDC_CLIENT_SECRET": CLIENT_SECRET, "LEADMILL_OIDC_ROLES": "sales=operator:acme",
        }  # fmt: skip
        with running_api(settings, tmp_path, **given) as api:
            # By another name than the provider's: for the browser that is another site.
            here = api.replace("127.0.0.1", "localhost")
            browser.open(f"{here}/docs", width=390)
            assert browser.evaluate("document.documentElement.scrollWidth") <= 390
            browser.evaluate("document.querySelector('a.provider').click()")
            until(browser, "location.pathname === '/docs'")
            until(browser, "document.querySelector('.who')?.innerText.includes('Ada L., operator of project acme')")
            assert browser.evaluate("document.cookie") == "", "no script can read it"
            browser.evaluate("document.querySelector('.who button').click()")
            until(browser, "location.pathname === '/sign-in'")
            idp.claims["groups"] = []
            browser.evaluate("document.querySelector('a.provider').click()")
            until(browser, "document.querySelector('[role=alert]')?.innerText.includes('gives you a role here')")
