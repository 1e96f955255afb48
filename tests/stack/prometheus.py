"""A real Prometheus server with this project's configuration, for tests; and what its rules name."""

from __future__ import annotations

import json
import re
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from scripts import processes
from tests.stack.command import ROOT

FOLDER = ROOT / "deploy" / "prometheus"
RULES = FOLDER / "alerts.yml"
PROGRAMS = ("promtool", "prometheus")
# What Grafana makes of its variables where Prometheus is scraped every ten seconds and an hour is shown.
_GRAFANA = {"$__rate_interval": "40s", "$__range": "3600s"}
_SELECTOR = re.compile(r"\b(?:up|engage_\w+|process_\w+)\b(?:\{[^}]*\})?")


def alerts() -> dict[str, dict[str, Any]]:
    """The rules by name."""
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return {rule["alert"]: rule for group in groups for rule in group["rules"]}


def selectors(text: str) -> set[str]:
    """What a text asks of series: their names, with their matchers."""
    return set(_SELECTOR.findall(text))


def copy_config(folder: Path, token: str, *targets: str) -> Path:
    """Write prometheus.yml as it is, but for what is elsewhere here: files, workers, and it scrapes at once."""
    config = yaml.safe_load((FOLDER / "prometheus.yml").read_text())
    config["global"] = dict.fromkeys(config["global"], "1s")
    config["rule_files"] = [str(RULES)]
    (scrape,) = config["scrape_configs"]
    file = folder / "http_token"
    file.write_text(token)
    scrape["authorization"]["credentials_file"] = str(file)
    if targets:
        del scrape["dns_sd_configs"]
        scrape["static_configs"] = [{"targets": list(targets)}]
    copy = folder / "prometheus.yml"
    copy.write_text(yaml.safe_dump(config))
    return copy


def asked_by_grafana() -> dict[str, set[str]]:
    """Each question of the workers' board as Grafana sends it, with the labels that its legend names."""
    asked = {}
    board = json.loads((ROOT / "deploy" / "grafana" / "dashboards" / "workers.json").read_text())
    for target in (target for panel in board["panels"] for target in panel["targets"]):
        question = target["expr"]
        for variable, means in _GRAFANA.items():
            question = question.replace(variable, means)
        asked[question] = set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
    return asked


class Prometheus:
    """Asks a server."""

    def __init__(self, url: str) -> None:
        self._url = url

    def is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self._url}/-/ready", timeout=10) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def get(self, path: str, **parameters: str) -> Any:
        """The data that the API answers with."""
        url = f"{self._url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(url, timeout=30) as answer:
            return json.load(answer)["data"]

    def knows(self, selector: str) -> bool:
        """Whether a series that is wanted has a value now."""
        return bool(self.get("query", query=selector)["result"])

    def health(self) -> dict[str, str]:
        """Of each scraped address."""
        targets = self.get("targets", state="active")["activeTargets"]
        return {target["labels"]["instance"]: target["health"] for target in targets}

    def rules(self) -> dict[str, dict[str, Any]]:
        """The alerts by name, as they were evaluated last."""
        groups = self.get("rules")["groups"]
        return {rule["name"]: rule for group in groups for rule in group["rules"]}


@contextmanager
def running(config: Path) -> Iterator[Prometheus]:
    """A server that lives as long as the block; it keeps its data beside its configuration."""
    port, log = processes.free_port(), config.parent / "prometheus.log"
    command = ["prometheus", f"--config.file={config}", f"--web.listen-address=127.0.0.1:{port}"]
    command.append(f"--storage.tsdb.path={config.parent / 'tsdb'}")
    process = processes.start(command, log=log)
    try:
        server = Prometheus(f"http://127.0.0.1:{port}")
        processes.wait_until(
            server.is_ready, what="Prometheus", process=process, log=log, limit_s=120
        )
        yield server
    finally:
        processes.stop(process, grace_s=30)
