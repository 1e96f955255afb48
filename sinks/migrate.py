"""Migrations: numbered SQL files, applied once each, the same for chDB, a server and a cluster.

Placeholders in the files:

    {database}                  the database
    {on_cluster}                nothing, or ON CLUSTER '<cluster>'
    {local}                     nothing, or _local: the suffix of the tables that hold the data
    {replacing}                 ReplacingMergeTree(version), replicated on a cluster
    {distributed TABLE KEY};    nothing, or the table over all shards, sharded by KEY

Every statement may run twice (IF NOT EXISTS, OR REPLACE, rows that replace themselves), so a run that was
cut off, or two runs at once, do no harm. A file that was applied is remembered with its checksum and never changes.
"""

import hashlib
import logging
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from schemas.errors import Refused
from sinks.client import answering
from sinks.sqltext import statements

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

log = logging.getLogger(__name__)

COPY_S_MAX = 3_600.0  # for the client that is given: a migration may copy a table
DIRECTORY = Path(__file__).parent / "migrations"
_FILE = re.compile(r"(\d{4})_\w+\.sql")
_DISTRIBUTED = re.compile(r"\{distributed (\w+) ([^{}]+)\}")
_IDENTIFIER = re.compile(r"[A-Za-z_]\w*")

_HISTORY = """
CREATE TABLE IF NOT EXISTS {database}.migrations{local} {on_cluster}
(
    number UInt32,
    name String,
    checksum String,
    applied_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = {history}
ORDER BY number;
{distributed migrations number};
"""


@dataclass(frozen=True)
class Migration:
    """One file: its number and name, its text, and the checksum of that text."""

    number: int
    name: str
    text: str
    checksum: str


@dataclass(frozen=True)
class Target:
    """Where the tables live: a database, on one server or on a named cluster."""

    database: str
    cluster: str = ""

    def render(self, text: str) -> str:
        """SQL text with its placeholders filled in."""
        kind = "Replicated" if self.cluster else ""
        text = _DISTRIBUTED.sub(self._distributed, text)
        for name, value in (
            ("database", self.database),
            ("on_cluster", f"ON CLUSTER '{self.cluster}'" if self.cluster else ""),
            ("local", "_local" if self.cluster else ""),
            ("replacing", f"{kind}ReplacingMergeTree(version)"),
            ("history", f"{kind}ReplacingMergeTree(applied_at)"),
        ):
            text = text.replace("{" + name + "}", value)
        return text

    def _distributed(self, match: re.Match[str]) -> str:
        if not self.cluster:
            return ""
        table, key = match.groups()
        return (
            f"CREATE TABLE IF NOT EXISTS {{database}}.{table} {{on_cluster}} "
            f"AS {{database}}.{table}_local "
            f"ENGINE = Distributed('{self.cluster}', '{self.database}', '{table}_local', {key})"
        )


def migrate(
    client: "Client", database: str, *, cluster: str = "", directory: Path = DIRECTORY
) -> list[str]:
    """Bring the database up to date; gives the names of the files it applied, oldest first.

    Raises:
        Refused: an applied file was edited or is missing, or the server refuses a statement.
        Unavailable: the server does not answer.
    """
    for name in (database, cluster or "none"):
        if not _IDENTIFIER.fullmatch(name):
            raise Refused(f"{name!r} is not a name for a ClickHouse database or cluster")
    target = Target(database, cluster)
    with answering(client.uri):
        _run(client, target, f"CREATE DATABASE IF NOT EXISTS {database} {{on_cluster}}")
        _run(client, target, _HISTORY)
        applied = _applied(client, database)
    done = []
    for migration in pending(read_migrations(directory), applied):
        with answering(client.uri, doing=f"migration {migration.name}"):
            _run(client, target, migration.text)
            client.command(
                f"INSERT INTO {database}.migrations (number, name, checksum) SELECT "
                "{number:UInt32}, {name:String}, {checksum:String}",
                parameters={
                    "number": migration.number,
                    "name": migration.name,
                    "checksum": migration.checksum,
                },
            )
        log.info("applied migration %s", migration.name)
        done.append(migration.name)
    return done


def read_migrations(directory: Path = DIRECTORY) -> list[Migration]:
    """The migration files in order; numbers start at 1 and leave no gap."""
    found = []
    for path in sorted(directory.glob("*.sql")):
        match = _FILE.fullmatch(path.name)
        if match is None:
            raise Refused(f"{path.name}: a migration is named like 0001_what_it_does.sql")
        text = path.read_text(encoding="utf-8").replace("\r\n", "\n")
        checksum = hashlib.sha256(text.encode()).hexdigest()
        found.append(Migration(int(match.group(1)), path.name, text, checksum))
    numbers = [migration.number for migration in found]
    if numbers != list(range(1, len(found) + 1)):
        raise Refused(f"migrations are numbered {numbers}: numbers go up from 1 by one")
    return found


def pending(known: list[Migration], applied: dict[int, tuple[str, str]]) -> list[Migration]:
    """What is left to apply; refuses a history that the files contradict."""
    by_number = {migration.number: migration for migration in known}
    for number, (name, checksum) in sorted(applied.items()):
        migration = by_number.get(number)
        if migration is None:
            raise Refused(
                f"the database has migration {name}, which this version does not know: "
                "use the version that applied it, or a newer one"
            )
        if migration.checksum != checksum:
            raise Refused(
                f"{migration.name} was edited after it was applied: "
                "put it back as it was and add a new migration for the change"
            )
    return [migration for migration in known if migration.number not in applied]


def _applied(client: "Client", database: str) -> dict[int, tuple[str, str]]:
    rows = client.query(
        f"SELECT number, name, checksum FROM {database}.migrations FINAL"
    ).result_rows
    return {int(number): (str(name), str(checksum)) for number, name, checksum in rows}


def _run(client: "Client", target: Target, script: str) -> None:
    for statement in statements(target.render(script)):
        client.command(statement, use_database=False)
