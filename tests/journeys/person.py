"""Somebody at a browser: reads what is shown, clicks and types as people do, and knows no address but the first."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from docs.chromium import Chromium
from tests.api.pages.conftest import check_quiet, press, until

#: What is shown of an element, in one line; a button may be named by a label that is not shown.
_READ = "const read = one => (one.getAttribute('aria-label') || one.innerText || '').replace(/\\s+/g, ' ').trim();"
#: Where something may be pressed that is called so, or begins with it; None while there is none, or it is covered.
_PLACE = (
    """(() => {"""
    + _READ
    + """
  const shown = [...document.querySelectorAll(WITHIN)].flatMap(part => [...part.querySelectorAll(WHAT)])
    .filter(one => one.checkVisibility({visibilityProperty: true}) && !one.disabled);
  const one = shown.find(one => read(one) === WORDS) ?? shown.find(one => read(one).startsWith(WORDS));
  if (!one) return null;
  one.scrollIntoView({block: 'center', inline: 'center'});
  const {x, y, width, height} = one.getClientRects()[0] ?? {};
  const at = [x + width / 2, y + height / 2], top = document.elementFromPoint(...at);
  return top && (one.contains(top) || top.contains(one)) ? at : null;
})()"""
)
#: The control that a label names.
_CONTROL = (
    """(() => {"""
    + _READ
    + """
  const labels = [...document.querySelectorAll('main label')].filter(one => one.checkVisibility());
  return (labels.find(one => read(one) === WORDS) ?? labels.find(one => read(one).startsWith(WORDS)))?.control;
})()"""
)
_PRESSED = "a[href], button, summary, label"
TAB, ENTER = ("Tab", 9), ("Enter", 13)


class Person:
    """Sees one page of a running stack at a time; `url` is all they were told."""

    def __init__(self, browser: Chromium, url: str, downloads: Path) -> None:
        self._browser, self.url, self._downloads = browser, url, downloads
        for domain in ("Log", "Network", "Runtime"):
            browser.call(f"{domain}.enable")
        browser.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(downloads))

    def open(self, path: str = "/", *, width: int = 1440, height: int = 900) -> None:
        """Go to an address, as one that a colleague has sent."""
        self._browser.heard.clear()
        self._browser.open(self.url + path, width=width, height=height)

    def comes_to(self, path: str, *, status: int = 200) -> None:
        """Wait for a page whose path begins so, and look at its form: it fits the window, and since the last one that
        was waited for the console is empty and nobody but our server was asked.
        """
        is_there = f" === {json.dumps(path)}" if path == "/" else f".startsWith({json.dumps(path)})"
        self.until(f"location.pathname{is_there} && document.readyState === 'complete'")
        assert self.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, (path, "is too wide")
        check_quiet(self._browser, self, path, status=status)
        self._browser.heard.clear()

    def sees(self, *words: str, within: str = "main") -> None:
        """Wait until all of it is shown there."""
        text = f"(document.querySelector({json.dumps(within)})?.innerText ?? '').replace(/\\s+/g, ' ')"
        try:
            self.until(f"{json.dumps(words)}.every(one => {text}.includes(one))")
        except AssertionError:
            raise AssertionError(f"{words} not among what is shown: {self.evaluate(text)[:3_000]}") from None

    def does_not_see(self, *words: str, within: str = "main") -> None:
        """None of it is shown there now."""
        shown = self.reads(within)
        assert not [one for one in words if one in shown], shown[:3_000]

    def reads(self, within: str = "main") -> str:
        """What is shown in the first such part of the page."""
        return str(self.evaluate(f"(document.querySelector({json.dumps(within)})?.innerText ?? '')"))

    def rows(self, within: str = "main") -> list[str]:
        """The rows of the tables there, a line each."""
        rows = f"document.querySelectorAll('{within} tbody tr')"
        return [str(one) for one in self.evaluate(f"[...{rows}].map(one => one.innerText.replace(/\\s+/g, ' '))")]

    def until(self, script: str) -> None:
        """Wait for a page to say yes."""
        until(self._browser, script)

    def evaluate(self, script: str) -> Any:
        """Of the page, what no person could tell."""
        return self._browser.evaluate(script)

    @property
    def path(self) -> str:
        """What the address bar has, without the server."""
        return str(self.evaluate("location.pathname + location.search"))

    def clicks(self, words: str, within: str = "body", what: str = _PRESSED) -> None:
        """Press what is called so with the mouse, once it is there and nothing lies over it."""
        self._press_at(_filled(_PLACE, WORDS=words, WITHIN=within, WHAT=what))

    def fills(self, label: str, text: str) -> None:
        """Type into a field in place of what stands there."""
        self._focus(label)
        self.evaluate("document.activeElement.select()")
        self._browser.call("Input.insertText", text=text)

    def chooses(self, label: str, option: str) -> None:
        """Take one of a list."""
        self._focus(label)
        script = "one.value = VALUE, one.dispatchEvent(new Event('change', {bubbles: true})), one.value === VALUE"
        chosen = f"(one => ({_filled(script, VALUE=option)}))(document.activeElement)"
        assert self.evaluate(chosen), f"{label} has no {option}"

    def gives_file(self, label: str, file: Path) -> None:
        """Choose a file, as the browser's own dialogue does it."""
        control = _filled(_CONTROL, WORDS=label)
        found = self._browser.call("Runtime.evaluate", expression=control)["result"]["objectId"]
        file.chmod(0o644)  # whatever the umask that another test left: the browser may be another user's
        self._browser.call("DOM.setFileInputFiles", files=[str(file)], objectId=found)

    def downloads(self, words: str, within: str = "main") -> Path:
        """Press a link, and wait for the file that it gives."""
        before = set(self._downloads.iterdir())
        self.clicks(words, within, "a[href]")
        end = time.monotonic() + 30
        while not (come := [one for one in set(self._downloads.iterdir()) - before if _is_whole(one)]):
            assert time.monotonic() < end, f"nothing was downloaded by {words}"
            time.sleep(0.02)
        return come[0]

    def goes_back(self) -> None:
        """The browser's own button."""
        self.evaluate("history.back()")

    def presses(self, key: tuple[str, int], times: int = 1) -> None:
        """A key of the keyboard."""
        for _ in range(times):
            press(self._browser, *key)

    def tabs_to(self, words: str) -> None:
        """Go on by the keyboard until what is called so has the focus, and shows that."""
        name = "[...(one.labels ?? [])].map(label => label.innerText).join() || one.getAttribute('aria-label')"
        said = f"(one => (({name}) || one.innerText || '').trim())(document.activeElement)"
        passed = []
        while not (passed and passed[-1].startswith(words)):
            assert len(passed) < 80, (words, passed)
            self.presses(TAB)
            passed.append(str(self.evaluate(said)))
        assert self.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none", words

    def types(self, text: str) -> None:
        """Into whatever has the focus."""
        self._browser.call("Input.insertText", text=text)

    def signs_in(self, key: str) -> None:
        """By an API key, at a page that asks for one, whose field has the focus."""
        self.until("document.activeElement.id === 'key'")
        self.types(key)
        self.clicks("Sign in", "main", "button")

    def _focus(self, label: str) -> None:
        self.until(f"!!{_filled(_CONTROL, WORDS=label)}")
        self.evaluate(
            f"(one => (one.scrollIntoView({{block: 'center'}}), one.focus(), 0))({_filled(_CONTROL, WORDS=label)})"
        )

    def _press_at(self, place: str) -> None:
        self.until(f"!!{place}")
        x, y = self.evaluate(place)
        for kind in ("mousePressed", "mouseReleased"):
            self._browser.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)


def _filled(script: str, **values: str) -> str:
    for name, value in values.items():
        script = script.replace(name, json.dumps(value))
    return script


def _is_whole(file: Path) -> bool:
    return file.suffix != ".crdownload" and file.exists() and file.stat().st_size > 0
