"""What a long run of the crash matrix came to, as JSON for machines and Markdown for people."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path

from scripts.kafka_local import kafka_version
from tests.crash.rig import Rig
from tests.crash.services import ROOT


@dataclass(frozen=True, slots=True)
class Round:
    """One thing that happened, and what came of it; no error means exact."""

    what: str
    kills: int
    messages: int
    restarts: int
    seconds: float
    error: str

    def line(self, number: int) -> str:
        """Return it in one line."""
        verdict = f"FAILED: {self.error}" if self.error else "exact"
        return f"{number:>3} {self.what}: {self.messages:,} messages, {self.seconds} s: {verdict}"


@dataclass(slots=True)
class Report:
    """All rounds of one run."""

    seed: int
    workers: int
    brokers: int
    rounds: list[Round] = field(default_factory=list)
    changelog_records: int = 0
    changelog_offsets: int = 0
    _started_s: float = field(default_factory=time.monotonic)

    @property
    def kills(self) -> int:
        """Return how many processes were killed, paused or ended."""
        return sum(done.kills for done in self.rounds)

    @property
    def exact(self) -> bool:
        """Tell whether the audit found no difference after every round."""
        return not any(done.error for done in self.rounds)

    def finish(self, rig: Rig) -> None:
        """Take down what the cleaner has left of the changelogs."""
        self.changelog_records, self.changelog_offsets = rig.compacted()

    def write(self, folder: Path | None) -> None:
        """Write crash-matrix-W-workers-B-brokers.json and .md into the folder, if there is one."""
        if folder is None:
            print(self.as_text())
            return
        folder.mkdir(parents=True, exist_ok=True)
        name = f"crash-matrix-{self.workers}-workers-{self.brokers}-brokers"
        facts = self._facts() | {"rounds": [asdict(done) for done in self.rounds]}
        (folder / f"{name}.json").write_text(json.dumps(facts, indent=2) + "\n")
        (folder / f"{name}.md").write_text(self.as_text())

    def as_text(self) -> str:
        """Return the report in Markdown."""
        lines = [
            f"# Crash matrix: {self.workers} workers, {self.brokers} broker(s)",
            "",
            f"`python -m tests.crash --kills {self.kills} --seed {self.seed} --workers "
            f"{self.workers} --brokers {self.brokers}`",
            "",
            self._verdict(),
            "",
            f"The cleaner has left {self.changelog_records:,} records of "
            f"{self.changelog_offsets:,} offsets in the changelogs.",
            "",
            *(f"- {name}: {value}" for name, value in _machine().items()),
            "",
            "| what | rounds | kills | messages | slowest, s |",
            "|---|---|---|---|---|",
            *self._table(),
        ]
        return "\n".join(lines) + "\n"

    def _verdict(self) -> str:
        if not self.exact:
            return f"**NOT exact**: {self.rounds[-1].line(len(self.rounds))}"
        messages = sum(done.messages for done in self.rounds)
        restarts = sum(done.restarts for done in self.rounds)
        seconds = sum(done.seconds for done in self.rounds)
        return (
            f"{self.kills} kills, pauses and ends in {len(self.rounds)} rounds, {messages:,} "
            f"messages, {restarts} restarts of workers, {seconds:,.0f} s: **exact** after every "
            "round (the audit found no difference, the consumer lag was 0)."
        )

    def _table(self) -> list[str]:
        kinds: dict[str, list[Round]] = {}
        for done in self.rounds:
            kinds.setdefault(done.what, []).append(done)
        return [
            f"| {what} | {len(rounds)} | {sum(r.kills for r in rounds)} | "
            f"{sum(r.messages for r in rounds):,} | {max(r.seconds for r in rounds)} |"
            for what, rounds in sorted(kinds.items())
        ]

    def _facts(self) -> dict[str, object]:
        by_kind = Counter(done.what for done in self.rounds)
        return {
            "seed": self.seed,
            "workers": self.workers,
            "brokers": self.brokers,
            "kills": self.kills,
            "exact": self.exact,
            "messages": sum(done.messages for done in self.rounds),
            "restarts": sum(done.restarts for done in self.rounds),
            "seconds": round(time.monotonic() - self._started_s, 1),
            "changelog_records": self.changelog_records,
            "changelog_offsets": self.changelog_offsets,
            "kinds": dict(by_kind),
            "machine": _machine(),
        }


def _machine() -> dict[str, str]:
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.strip()
    packages = ("faust-streaming", "aiokafka", "chdb", "clickhouse-connect")
    return {
        "commit": commit or "unknown",
        "python": platform.python_version(),
        "cores": str(os.cpu_count()),
        "system": platform.system(),
        "kafka": kafka_version(),
        **{name: version(name) for name in packages},
    }
