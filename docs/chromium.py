"""A headless Chromium that is told what to do over its DevTools protocol: for the README's pictures and for tests.

https://chromedevtools.github.io/devtools-protocol/
"""

from __future__ import annotations

import functools
import itertools
import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
from base64 import b64decode
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from urllib.request import url2pathname

from websockets.sync.client import connect

#: What the program is called, by distribution.
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_PATIENCE_S = 60
_OPTIONS = (
    "--headless", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--hide-scrollbars", "--force-color-profile=srgb",
    "--disable-dev-shm-usage", "--remote-debugging-port=0",
)  # fmt: skip
#: As whom root runs it: for root itself it has no sandbox (`deploy/ci-packages.sh` makes the user).
USER = "leadmill-chromium"


class Confined(NamedTuple):
    """How a browser is kept from the machine that runs it."""

    #: As whom it runs; None: as whoever runs this.
    user: pwd.struct_passwd | None
    #: Why it has no sandbox; None: it has one.
    unconfined: str | None


@functools.cache
def confined() -> Confined:
    """How a browser is confined here, told once on standard error where it is not: pages of others are looked at."""
    found = _confined()
    if found.unconfined:
        print(f"chromium runs without its sandbox: {found.unconfined}", file=sys.stderr)
    return found


def _confined() -> Confined:
    user = None
    if os.geteuid() == 0:
        try:
            user = pwd.getpwnam(USER)
        except KeyError:
            return Confined(
                None, f"there is no user {USER} to run it as, and root's has none: sh deploy/ci-packages.sh"
            )
    try:
        tried = subprocess.run(["unshare", "--user", "--pid", "--net", "--fork", "true"], **_as(user),
                               capture_output=True, text=True, check=False)  # fmt: skip
    except FileNotFoundError:
        return Confined(user, "whether user namespaces are allowed is not known: there is no unshare")
    said = tried.stderr.strip()
    return Confined(
        user, f"user namespaces are forbidden here, as in most containers: {said}" if tried.returncode else None
    )


def _as(user: pwd.struct_passwd | None) -> dict[str, Any]:
    """What starts a process as somebody."""
    return {} if user is None else {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def program() -> str | None:
    """The path of a Chromium on this machine; None when there is none."""
    return next((found for name in _NAMES if (found := shutil.which(name))), None)


class Chromium:
    """One page of a browser of its own; a context manager."""

    def __init__(self) -> None:
        #: What the browser told by itself since somebody cleared this, oldest first; domains that are enabled tell.
        self.heard: list[dict[str, Any]] = []

    def __enter__(self) -> Chromium:
        found = program()
        if found is None:
            raise FileNotFoundError(f"no Chromium on PATH (looked for {', '.join(_NAMES)})")
        self._profile = tempfile.TemporaryDirectory(prefix="leadmill-chromium-", ignore_cleanup_errors=True)
        user, unconfined = confined()
        if user is not None:
            os.chown(self._profile.name, user.pw_uid, user.pw_gid)
        self._process = subprocess.Popen(
            [found, *_OPTIONS, *(["--no-sandbox"] if unconfined else []), f"--user-data-dir={self._profile.name}",
             "about:blank"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "HOME": self._profile.name},
            **_as(user),
        )  # fmt: skip
        self._numbers = itertools.count(1)
        self._connection = connect(self._address(), max_size=None, open_timeout=_PATIENCE_S)
        self._socket = self._connection.__enter__()
        target = next(t for t in self.call("Target.getTargets")["targetInfos"] if t["type"] == "page")
        attached = self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._session = attached["sessionId"]
        self.call("Page.enable")
        return self

    _session = ""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._connection.__exit__(kind, error, at)
        self._process.terminate()
        self._process.wait(timeout=_PATIENCE_S)
        self._profile.cleanup()

    def open(self, url: str, *, width: int = 1280, height: int = 900, scale: float = 1, dark: bool = False) -> None:
        """Show a page in a window of that size; 600 pixels and narrower are a phone's.

        Args:
            scale: pixels of a screenshot for each of the page.
            dark: what its user prefers.
        """
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=scale,
            mobile=width <= 600,
        )
        prefers = {"prefers-color-scheme": "dark" if dark else "light", "prefers-reduced-motion": "reduce"}
        self.call("Emulation.setEmulatedMedia", features=[{"name": k, "value": v} for k, v in prefers.items()])
        self.call("Page.navigate", url=self._readable(url))
        while self.evaluate("document.readyState") != "complete" or self.evaluate("location.href") == "about:blank":
            time.sleep(0.02)

    def _readable(self, url: str) -> str:
        """A file of whoever runs this, where the browser's user may read it, too; any other address as it is."""
        parts = urlsplit(url)
        if parts.scheme != "file" or confined().user is None:
            return url
        copied = Path(shutil.copy(url2pathname(parts.path), self._profile.name))
        copied.chmod(0o644)
        return parts._replace(path=copied.as_uri().removeprefix("file://")).geturl()

    def evaluate(self, script: str) -> Any:
        """The value of a JavaScript expression in the page, as JSON holds it; a promise is waited for.

        Raises:
            RuntimeError: it threw.
        """
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"].get("exception", {}).get("description", "a script failed"))
        return answer["result"].get("value")

    def within(self, target: str, script: str) -> Any:
        """As `evaluate`, in a frame that is a target of its own: one of another origin than its page's."""
        own = self._session
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        try:
            return self.evaluate(script)
        finally:
            within, self._session = self._session, own
            self.call("Target.detachFromTarget", sessionId=within)

    def screenshot(self) -> bytes:
        """What the window shows, as PNG."""
        return b64decode(self.call("Page.captureScreenshot", format="png")["data"])

    def pdf(self) -> bytes:
        """The page as it is printed on A4."""
        return b64decode(self.call("Page.printToPDF", paperWidth=8.27, paperHeight=11.69)["data"])

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command of the protocol.

        Raises:
            RuntimeError: the browser refused it.
        """
        number = next(self._numbers)
        session = {"sessionId": self._session} if self._session else {}
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters, **session}))
        while True:
            answer = json.loads(self._socket.recv(timeout=_PATIENCE_S))
            if answer.get("id") == number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                result: dict[str, Any] = answer["result"]
                return result
            if "method" in answer:
                self.heard.append(answer)

    def _address(self) -> str:
        file, ends = Path(self._profile.name) / "DevToolsActivePort", time.monotonic() + _PATIENCE_S
        while time.monotonic() < ends:
            lines = file.read_text().splitlines() if file.exists() else []
            if len(lines) >= 2:
                return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
            if self._process.poll() is not None:
                raise RuntimeError(f"Chromium ended with {self._process.returncode} before it was ready")
            time.sleep(0.05)
        raise TimeoutError("Chromium was not ready in time")
