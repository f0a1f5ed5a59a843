"""What is installed for running, and by which licences: leadmill's requirements, its extras', theirs, and so on.

    python -m deploy.run_time           fail if a licence is not one that may be shipped
    python -m deploy.run_time --sbom    print all as a CycloneDX bill of materials

Only metadata of what is installed is read, so that the same versions give the same output on any machine.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from urllib.parse import quote

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

#: Licences that ask for no more than to be named (SPDX).
ALLOWED = frozenset(
    "0BSD Apache-2.0 BSD-2-Clause BSD-3-Clause CC0-1.0 ISC MIT MIT-0 MIT-CMU PSF-2.0 Python-2.0 Zlib ZPL-2.1".split()
)
#: What is shipped all the same, by name and licence, and why that is right.
EXCEPTIONS: Mapping[tuple[str, str], str] = {
    ("certifi", "MPL-2.0"): "one file of certificates, used unchanged; MPL asks for changes of its own files alone",
}
#: What older metadata calls a licence. `BSD License` is one of two, both of which may be shipped.
_CALLED = {
    "3-clause bsd license": "BSD-3-Clause",
    "apache 2.0": "Apache-2.0",
    "apache license, version 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "bsd license": "BSD-3-Clause",
    "isc license": "ISC",
    "isc license (iscl)": "ISC",
    "mit license": "MIT",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "new bsd": "BSD-3-Clause",
    "psfl": "PSF-2.0",
    "python software foundation license": "PSF-2.0",
    "zope public license": "ZPL-2.1",
}
#: Of our own, which the image has: they are looked at and listed, too.
EXTRAS = frozenset({"oidc", "s3", "traces"})
_OSI = "License :: OSI Approved :: "


@dataclass(frozen=True)
class Part:
    """One installed distribution."""

    name: str
    version: str
    #: An SPDX expression; None: its metadata name none, or one that we do not know.
    licence: str | None
    #: Names of the distributions that it asks for here.
    needs: tuple[str, ...]

    @property
    def purl(self) -> str:
        return f"pkg:pypi/{self.name}@{quote(self.version)}"


def parts(root: str = "leadmill", asked: frozenset[str] = frozenset()) -> dict[str, Part]:
    """Everything that is needed to run a distribution, itself too, by normal names in their order; also with what the
    extras need that are asked for.

    Raises:
        importlib.metadata.PackageNotFoundError: something needed is not installed.
    """
    extras: dict[str, frozenset[str]] = {}
    needs: dict[str, tuple[str, ...]] = {}
    todo = [(canonicalize_name(root), asked)]
    while todo:
        name, wanted = todo.pop()
        if name in extras and wanted <= extras[name]:
            continue
        extras[name] = extras.get(name, frozenset()) | wanted
        found = list(_needed(metadata.requires(name) or [], extras[name]))
        needs[name] = tuple(sorted({need for need, _ in found}))
        todo += found
    return {
        name: Part(name, metadata.version(name), licence_of(metadata.metadata(name)), needs[name])
        for name in sorted(extras)
    }


def _needed(requirements: Sequence[str], extras: frozenset[str]) -> Iterator[tuple[str, frozenset[str]]]:
    for line in requirements:
        need = Requirement(line)
        if need.marker is None or any(need.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            yield canonicalize_name(need.name), frozenset(need.extras)


def licence_of(about: metadata.PackageMetadata) -> str | None:
    """The SPDX expression of a distribution's metadata: what it says so, else its classifiers, else its old field.

    Several classifiers all apply, as far as we know.
    """
    said = about.get("License-Expression")
    classifiers = [text.removeprefix(_OSI) for text in about.get_all("Classifier") or [] if text.startswith(_OSI)]
    named = [said] if said else classifiers or [about.get("License") or ""]
    try:
        found = [canonicalize_license_expression(_CALLED.get(name.strip().lower(), name)) for name in named]
    except InvalidLicenseExpression:
        return None
    return " AND ".join(sorted(set(found))) or None


def faults(found: Mapping[str, Part]) -> list[str]:
    """A sentence on each part that may not be shipped as far as its metadata say."""
    return [
        f"{part.name} {part.version}: {part.licence or 'no licence that is known'}"
        for part in found.values()
        if not may_be_shipped(part)
    ]


def may_be_shipped(part: Part) -> bool:
    """One of the alternatives (OR) needs only licences that are allowed (AND); what has brackets is for a person."""
    if part.licence is None:
        return False
    return (part.name, part.licence) in EXCEPTIONS or any(
        all(one in ALLOWED for one in alternative.split(" AND ")) for alternative in part.licence.split(" OR ")
    )


def bill(found: Mapping[str, Part], root: str = "leadmill") -> str:
    """CycloneDX 1.6 as JSON, without anything of this machine: no time, no path, no registry."""
    components = {name: _component(part) for name, part in found.items()}
    whole = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {**components.pop(root), "type": "application"}},
        "components": list(components.values()),
        "dependencies": [
            {"ref": part.purl, "dependsOn": [found[need].purl for need in part.needs]} for part in found.values()
        ],
    }
    return json.dumps(whole, indent=2)


def _component(part: Part) -> dict[str, object]:
    licences = [{"expression": part.licence}] if part.licence else []
    return {
        "type": "library", "bom-ref": part.purl, "name": part.name, "version": part.version, "purl": part.purl,
        "licenses": licences,
    }  # fmt: skip


def main(arguments: Sequence[str]) -> int:
    found = parts(asked=EXTRAS)
    if "--sbom" in arguments:
        print(bill(found))
        return 0
    for fault in faults(found):
        print(f"not to be shipped: {fault}", file=sys.stderr)
    return int(bool(faults(found)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
