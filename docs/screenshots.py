"""The README's pictures, taken of the running product: `make screenshots`.

It starts the stack of `leadmill demo` in a folder of its own, submits the sample companies, and photographs the report
that the API serves, and pages of its dashboard. Needs a Chromium on PATH.
"""

from __future__ import annotations

import io
import sys
import tempfile
from dataclasses import dataclass
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
#: The lead whose details are open: on the wide picture of the report the first one, on the others this.
_LINKED = "velo-cargo-express.example"
#: Of the list of leads, so many that they are read easily in the README's width.
_COLUMNS = "&".join(f"columns={name}" for name in ("email", "phone", "country", "people"))


@dataclass(frozen=True)
class Picture:
    """A page of the product as a window shows it."""

    file: str
    #: Of the API; `{job}` is the job's id.
    address: str
    #: Of the window, pixels.
    width: int
    height: int
    is_dark: bool = False
    #: What its reader has done: an expression of JavaScript.
    done: str = "0"


PICTURES = (
    Picture("report.png", "/api/v1/jobs/{job}/report?format=html", 1180, 1060,
            done="document.querySelector('.lead details').open = true"),
    Picture("report-phone.png", f"/api/v1/jobs/{{job}}/report?format=html#{_LINKED}", 390, 844, is_dark=True),
    Picture("dashboard.png", "/ui/jobs/{job}", 1180, 930),
    Picture("leads.png", f"/ui/leads?country=DE&country=FR&country=ES&{_COLUMNS}", 1180, 930),
    Picture("company.png", f"/ui/companies/{_LINKED}", 1180, 930,
            done="document.querySelector('#f-phones + dd details').open = true"),
)  # fmt: skip
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
        for one in PICTURES:
            url = client.base_url + one.address.format(job=job.id)
            browser.open(url, width=one.width, height=one.height, dark=one.is_dark)
            browser.evaluate(one.done)
            made.append(folder / one.file)
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
