"""Makes `Client` of `AsyncClient`: the modules of `leadmill/client/asynchronous/` without `await` (`make client`).

    python -m deploy.plain_client [--check]

With `--check` nothing is written; exit code 1 when a module is not what would be written.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "leadmill" / "client" / "asynchronous"
TARGET = SOURCE.parent
#: What is written otherwise without an event loop; longer ones before those that they hold.
WORDS = {
    "leadmill.client.asynchronous.": "leadmill.client.",
    "asynccontextmanager": "contextmanager",
    "asyncio": "time",
    "StopAsyncIteration": "StopIteration",
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "__aiter__": "__iter__",
    "aiter_bytes": "iter_bytes",
    "aclose": "close",
    "aread": "read",
    "async ": "",
    "await ": "",
}
_WORD = re.compile("|".join(rf"\b{re.escape(word)}" for word in WORDS) + r"|\bAsync(?=[A-Z])")


def made(source: Path) -> str:
    """The plain module of an asynchronous one."""
    text = _WORD.sub(lambda found: WORDS.get(found[0], ""), source.read_text(encoding="utf-8"))
    note = f"# Made by `make client` from {source.relative_to(SOURCE.parents[2])}: edit that.\n"
    for command in (("check", "--fix", "--select=I"), ("format",)):
        ruff = ["ruff", *command, "--quiet", "--stdin-filename", str(TARGET / source.name), "-"]
        text = subprocess.run(ruff, input=text, capture_output=True, text=True, check=True).stdout
    return note + text


def main(arguments: list[str]) -> int:
    stale = []
    for source in sorted(SOURCE.glob("[!_]*.py")):
        target, text = TARGET / source.name, made(source)
        if target.exists() and target.read_text(encoding="utf-8") == text:
            continue
        stale.append(target.name)
        if "--check" not in arguments:
            target.write_text(text, encoding="utf-8")
    if stale and "--check" in arguments:
        print(f"leadmill/client/: not as its source in asynchronous/: {', '.join(stale)}; run: make client")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
