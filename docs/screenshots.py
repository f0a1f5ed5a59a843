"""The README's pictures, taken of the running product: `make screenshots`.

It starts the stack of `leadmill demo` in a folder of its own, submits the sample companies, and photographs the report
that the API serves, and its dashboard. Needs a Chromium on PATH.
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
from leadmill.client.options import ReportOptions

IMAGES = Path(__file__).parent / "images"
#: Every picture: its file, the width and height of the window in pixels, whether its user prefers dark.
PICTURES = (
    ("report.png", 1180, 1060, False),
    ("report-phone.png", 390, 844, True),
    ("dashboard.png", 1180, 930, False),
)
#: The lead whose details are open: on the wide picture the first one, on the narrow one this.
_LINKED = "velo-cargo-express.example"
#: The ideal customer profile that the sample companies are scored by.
_WANTED = {
    "name": "european-growth",
    "countries": {"wanted": ["EU", "Switzerland"], "weight": 8},
    "size": {"min": 10, "max": 120},
    "technologies": {"wanted": ["Shopify", "Stripe", "HubSpot", "WordPress"]},
    "hiring": {"wanted": True},
}
_COLOURS = 200
_PATIENCE_S = 300


def take(client: Client, folder: Path) -> list[Path]:
    """Run a job over the sample companies and photograph its report.

    Raises:
        FileNotFoundError: there is no Chromium.
        RuntimeError: the job did not complete.
    """
    report: ReportOptions = {"type": "leads", "formats": ["html"]}
    job = client.submit(company_urls(), icp=_WANTED, report=report, tags=["Autumn trade fair"])
    ended = job.wait(_PATIENCE_S)
    if ended.status != "completed":
        raise RuntimeError(f"the job ended {ended.status}: {ended.error}")
    made = []
    with Chromium() as browser:
        for name, width, height, dark in PICTURES:
            url, of_report = f"{client.base_url}/ui/jobs/{job.id}", name.startswith("report")
            if of_report:
                url = f"{client.base_url}/api/v1/jobs/{job.id}/report?format=html{f'#{_LINKED}' if dark else ''}"
            browser.open(url, width=width, height=height, dark=dark)
            if of_report and not dark:
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
