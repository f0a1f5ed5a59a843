"""The README's pictures, taken of the running product: `make screenshots`.

It starts the stack of `leadmill demo` in a folder of its own, submits the sample companies, and photographs the report
that the API serves. Needs a Chromium on PATH.
"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path

from PIL import Image

from cli.local_stack.stack import LocalStack
from cli.sample_sites.server import SampleServer
from cli.sample_sites.truth import company_urls
from docs import chromium
from docs.chromium import Chromium
from leadmill.client import Client

IMAGES = Path(__file__).parent / "images"
#: Every picture: its file, the width and height of the window in pixels, whether its user prefers dark.
PICTURES = (("report.png", 1180, 1060, False), ("report-phone.png", 390, 844, True))
#: A lead whose details are shown, on the wide picture and on the narrow one.
_OPENED = ("nordwind-solar.example", "velo-cargo-express.example")
_COLOURS = 200
_PATIENCE_S = 300


def take(client: Client, folder: Path) -> list[Path]:
    """Run a job over the sample companies and photograph its report.

    Raises:
        FileNotFoundError: there is no Chromium.
        RuntimeError: the job did not complete.
    """
    job = client.submit(company_urls(), report={"type": "leads", "formats": ["html"]}, tags=["Autumn trade fair"])
    ended = job.wait(_PATIENCE_S)
    if ended.status != "completed":
        raise RuntimeError(f"the job ended {ended.status}: {ended.error}")
    made = []
    with Chromium() as browser:
        for (name, width, height, dark), domain in zip(PICTURES, _OPENED, strict=True):
            anchor = f"#{domain}" if width <= 600 else ""
            url = f"{client.base_url}/api/v1/jobs/{job.id}/report?format=html{anchor}"
            browser.open(url, width=width, height=height, dark=dark)
            if not anchor:
                browser.evaluate("document.querySelector('.lead details').open = true")
            made.append(folder / name)
            _small(browser.screenshot(), made[-1])
    return made


def _small(png: bytes, path: Path) -> None:
    Image.open(io.BytesIO(png)).convert("RGB").quantize(_COLOURS).save(path, optimize=True)


def main() -> int:
    """Take them all; says what is missing and ends with 2 where there is no Chromium."""
    if chromium.program() is None:
        print("make screenshots: no Chromium on PATH; on Debian: apt-get install chromium", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="leadmill-screenshots-") as folder, SampleServer() as sites:
        env = {"LEADMILL_HTTP_PROXY": sites.url, "LEADMILL_KEY_PREFIX": "leadmill-screenshots:"}
        with LocalStack(folder, workers=2, env=env) as stack, Client(stack.api_url) as client:
            for path in take(client, IMAGES):
                print(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
