"""Settings of where a lake lies, and what is of this machine (they stand in the group `place`)."""

from __future__ import annotations

from pathlib import Path

from pydantic_settings import BaseSettings

from leadmill.places import path_of
from leadmill.setting_forms import DataUrl, Endpoint, Folder, setting
from leadmill.setting_sources import run_dir_of


class PlaceSettings(BaseSettings):
    """A part of `leadmill.settings.Settings`."""

    data_url: DataUrl = setting(
        "./var",
        "The data folder: jobs, companies, history; made for its owner alone (folders 0700, files 0600). Or a place in "
        "a bucket, `s3://bucket/prefix`, which processes on any machine share ([a lake in a "
        "bucket](operations.md#a-lake-in-a-bucket)). The commands' `--data` goes before it.",
        group="place",
    )
    own_run_dir: Folder | None = setting(
        None,
        "A folder of this machine for what is of it alone: pid files, logs and addresses of a stack here, the API's "
        "table of companies, files on their way into a bucket. Two machines share none.",
        group="place",
        variable="LEADMILL_RUN_DIR",
        shown="`run` in the data folder; with a bucket `./var/run`",
    )
    aws_endpoint_url: Endpoint | None = setting(
        None,
        "Where the store of an `s3://` lake is, if it is not Amazon's: `https://minio.example.org:9000`.",
        group="place",
        variable="AWS_ENDPOINT_URL",
        shown="Amazon's",
    )
    aws_region: str | None = setting(
        None, "Region of the bucket.", group="place", variable="AWS_REGION", shown="`AWS_DEFAULT_REGION`, `us-east-1`"
    )
    aws_access_key_id: str | None = setting(
        None,
        "Who asks the store. Without a key it is whoever the machine or container is there (an instance's profile, a "
        "web identity, a container's role).",
        group="place",
        variable="AWS_ACCESS_KEY_ID",
        shown="none",
        hides="value",
    )
    aws_secret_access_key: str | None = setting(
        None,
        "The secret of that key.",
        group="place",
        variable="AWS_SECRET_ACCESS_KEY",
        shown="none",
        hides="value",
    )
    aws_session_token: str | None = setting(
        None,
        "The token that belongs to a key which holds for some hours.",
        group="place",
        variable="AWS_SESSION_TOKEN",
        shown="none",
        hides="value",
    )

    @property
    def data_dir(self) -> Path:
        """The lake's folder as an absolute path; of a bucket one that no disk has (`leadmill.places`)."""
        return path_of(self.data_url)

    @property
    def run_dir(self) -> Path:
        """What is of this machine: pid files, logs and the URLs of the running stack …"""
        return run_dir_of(self.data_dir, self.own_run_dir)
