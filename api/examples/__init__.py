"""An example of each body and each answer, for the OpenAPI document; a test holds them against their schemas."""

from __future__ import annotations

from api.examples import companies, installation, jobs

#: Name of a schema → an example of it.
EXAMPLES = jobs.EXAMPLES | companies.EXAMPLES | installation.EXAMPLES
