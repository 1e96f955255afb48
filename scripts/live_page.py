"""The dashboard as a child process of the demo."""

from __future__ import annotations

import os
import sys
import urllib.error
import urllib.request
from pathlib import Path

from scripts import processes

_ROOT = Path(__file__).resolve().parent.parent


class LivePage:
    """A running dashboard; it only reads ClickHouse."""

    def __init__(self, clickhouse: str, port: int, log: Path) -> None:
        processes.require_free(port, what="the dashboard")
        self.url = f"http://127.0.0.1:{port}/"
        command = [sys.executable, "-m", "scripts.cli", "dashboard", "--port", str(port)]
        env = os.environ | {"PYTHONPATH": str(_ROOT), "ENGAGE_CLICKHOUSE": clickhouse}
        self._process = processes.start(command, log=log, env=env)
        try:
            processes.wait_until(
                self._answers, what="the dashboard", process=self._process, log=log
            )
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop it."""
        processes.stop(self._process, grace_s=5.0)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(self.url, timeout=1):  # noqa: S310 - our own address
                return True
        except (urllib.error.URLError, OSError):
            return False
