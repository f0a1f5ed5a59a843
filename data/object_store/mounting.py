"""A bucket of the settings, mounted at the path that stands for it."""

from __future__ import annotations

from pathlib import Path

from data.object_store.client import Place
from data.object_store.storage import mounted
from leadmill.places import bucket_at
from leadmill.settings import get_settings


def mount_bucket(path: Path) -> Path:
    """Mount the bucket that a path is of; where."""
    settings, root = get_settings(), bucket_at(path)
    said = {
        "endpoint": settings.aws_endpoint_url,
        "region": settings.aws_region,
        "access_key_id": settings.aws_access_key_id,
        "secret_access_key": settings.aws_secret_access_key,
        "session_token": settings.aws_session_token,
    }  # what is said of none of these, the environment says, or the machine
    given = {name: value for name, value in said.items() if value is not None}
    mounted(Place(root.name, options=given), root, settings.run_dir / "passing")
    return root
