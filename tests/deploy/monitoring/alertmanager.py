"""A real Alertmanager for a test: Debian's binary with the configuration of compose, and somebody whom it tells."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import httpx2
import yaml

from tests.deploy.monitoring.prometheus import FOLDER, await_that, started
from tests.valkey import free_port


class Alertmanager:
    """`told` are the alerts that its receiver was told of, firing and resolved."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.address = folder, f"127.0.0.1:{free_port()}"
        self.told: list[dict[str, Any]] = []
        folder.mkdir(parents=True)

    def __enter__(self) -> Self:
        told = self.told

        class Receiver(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                told.extend(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["alerts"])
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._receiver = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
        threading.Thread(target=self._receiver.serve_forever, daemon=True).start()
        config = yaml.safe_load((FOLDER / "alertmanager" / "alertmanager.yml").read_text())
        config["route"] |= {"group_wait": "100ms", "group_interval": "500ms"}
        config["receivers"][0]["webhook_configs"] = [{"url": f"http://127.0.0.1:{self._receiver.server_port}/"}]
        (self.folder / "alertmanager.yml").write_text(yaml.safe_dump(config))
        places = {"/etc/leadmill": self.folder, "/alertmanager": self.folder / "data"}
        listen = f"--web.listen-address={self.address}"
        self._process = started("alertmanager", "prometheus-alertmanager", places, [listen], self.folder / "log")
        await_that(self._is_ready, 20, (self.folder / "log").read_text)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self._receiver.shutdown()
        self._receiver.server_close()

    def _is_ready(self) -> bool:
        try:
            return httpx2.get(f"http://{self.address}/-/ready", timeout=2).status_code == 200
        except httpx2.HTTPError:
            return False

    def await_told(self, name: str, status: str, patience_s: float = 30) -> dict[str, Any]:
        """Its receiver was told that an alert is `firing` or `resolved`."""
        found: list[dict[str, Any]] = []

        def heard() -> bool:
            found[:] = [one for one in self.told if (one["labels"]["alertname"], one["status"]) == (name, status)]
            return bool(found)

        await_that(heard, patience_s, lambda: f"nobody was told that {name} is {status}: {self.told}")
        return found[-1]
