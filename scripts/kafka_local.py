"""A real Apache Kafka without Docker, for tests and benchmarks: the broker's own jars, KRaft mode.

Needs Java 17 and, for the first run, Maven. The jars (54 MB) are kept in a cache outside the
repository.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from schemas.errors import ConfigError, Unavailable
from scripts import processes
from scripts.kafka_probe import broker_answers

_HOST = "127.0.0.1"
_POM = Path(__file__).with_name("kafka_local.pom.xml")
_FETCH_LIMIT_S = 600
_TOOL_LIMIT_S = 60
_START_LIMIT_S = 60.0
_CLUSTER_ID = "ZW5nYWdlLWxvY2FsLWtmaw"  # brokers here never meet those of another cluster
_LOGGING = """\
rootLogger.level = {level}
rootLogger.appenderRef.out.ref = out
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d %p %c: %m%n
"""


def missing_reason() -> str | None:
    """Return why a local Kafka cannot be started here, or None when it can."""
    if shutil.which("java") is None:
        return "a real Kafka needs Java 17: apt-get install default-jre-headless"
    if not jars_folder().exists() and shutil.which("mvn") is None:
        return "fetching Kafka's jars needs Maven: apt-get install maven"
    return None


def kafka_version() -> str:
    """Return the version in the pom."""
    found = re.search(r"<kafka\.version>([^<]+)<", _POM.read_text())
    assert found is not None, _POM
    return found[1]


def jars_folder() -> Path:
    """Return where the jars are kept; it exists only when they are complete."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    contents = hashlib.sha256(_POM.read_bytes()).hexdigest()[:8]
    return cache / "engage" / f"kafka-{kafka_version()}-{contents}"


def fetch_jars() -> Path:
    """Return the folder of the jars, fetching them first where needed; safe when run twice at once."""
    folder = jars_folder()
    if folder.exists():
        return folder
    reason = missing_reason()
    if reason is not None:
        raise ConfigError(reason)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / "kafka.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
                _copy_dependencies(Path(scratch) / "libs")
                (Path(scratch) / "libs").rename(folder)
    return folder


def _copy_dependencies(target: Path) -> None:
    command = ["mvn", "-q", "-B", "-f", str(_POM), "dependency:copy-dependencies"]
    done = subprocess.run(
        [*command, f"-DoutputDirectory={target}"],
        capture_output=True,
        text=True,
        timeout=_FETCH_LIMIT_S,
        check=False,
    )
    if done.returncode != 0:
        last = (done.stdout + done.stderr).strip().splitlines()[-3:]
        raise Unavailable(f"Maven could not fetch Kafka: {' / '.join(last)}")


class KafkaCluster:
    """One to nine brokers (each also a controller) on free ports of this machine.

    Nodes are numbered from 1. `options` are server properties, for small segments and the like.
    The processes die with the thread that started them; `stop` also removes the data unless
    `folder` was given. Brokers start with the quick compiler only, which takes half the CPU of a
    start; `measured` ones with both, for they are to be fast in the long run.
    """

    def __init__(
        self,
        nodes: int = 1,
        *,
        folder: Path | None = None,
        options: Mapping[str, str] | None = None,
        heap_mb: int = 512,
        measured: bool = False,
    ) -> None:
        if not 1 <= nodes <= 9:
            raise ConfigError(f"a cluster has 1 to 9 nodes, not {nodes}")
        self.jars = fetch_jars()
        self._owned = None if folder else tempfile.TemporaryDirectory(prefix="engage-kafka-")
        self.folder = folder or Path(self._owned.name if self._owned else "")
        self._options = dict(options or {})
        self._heap_mb = heap_mb
        self._measured = measured
        self._ports = {node: processes.free_port() for node in range(1, nodes + 1)}
        self._controller_ports = {node: processes.free_port() for node in range(1, nodes + 1)}
        self._processes: dict[int, subprocess.Popen[bytes]] = {}

    @property
    def address(self) -> str:
        """All brokers' addresses, `host:port,...`, running or not."""
        return ",".join(f"{host}:{port}" for host, port in self.endpoints())

    def endpoints(self) -> list[tuple[str, int]]:
        """Each broker's host and port, in the order of the nodes."""
        return [(_HOST, port) for port in self._ports.values()]

    def pid(self, node: int = 1) -> int:
        """Return the process id of a running node, to pause or pin it."""
        return self._processes[node].pid

    def is_running(self, node: int = 1) -> bool:
        """Tell whether a node's process lives."""
        return self._processes[node].poll() is None

    def log(self, node: int = 1) -> Path:
        """Return the node's own log file."""
        return self.folder / f"node-{node}.log"

    def start(self) -> None:
        """Format all nodes, start them and wait until each answers."""
        (self.folder / "log4j2.properties").write_text(_LOGGING.format(level="WARN"))
        for node in self._ports:
            file = self._properties_file(node)
            file.write_text("".join(f"{k}={v}\n" for k, v in self.properties(node).items()))
            self.storage_tool("format", "-t", _CLUSTER_ID, "-c", str(file))
        for node in self._ports:
            self._launch(node)
        for node in self._ports:
            self._await(node)

    def start_node(self, node: int) -> None:
        """Start a node again, on its port and its data, and wait until it answers."""
        if node in self._processes and self.is_running(node):
            raise ConfigError(f"Kafka node {node} already runs")
        self._launch(node)
        self._await(node)

    def kill(self, node: int = 1) -> None:
        """End a node as a power cut would (SIGKILL)."""
        self._processes[node].kill()
        self._processes[node].wait()

    def stop_node(self, node: int, *, grace_s: float = 20.0) -> None:
        """End a node in good order."""
        processes.stop(self._processes[node], grace_s=grace_s)

    def stop(self) -> None:
        """Stop every node; calling this twice is fine."""
        for process in self._processes.values():
            # Data that is thrown away needs no clean end.
            process.kill() if self._owned is not None else process.terminate()
        # Without a majority of controllers the last ones never end by themselves.
        for process in self._processes.values():
            processes.stop(process, grace_s=5.0)
        if self._owned is not None:
            self._owned.cleanup()

    def __enter__(self) -> KafkaCluster:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _properties_file(self, node: int) -> Path:
        return self.folder / f"node-{node}.properties"

    def properties(self, node: int) -> dict[str, str]:
        """Return the node's server properties, with the cluster's options laid over."""
        replicas = min(3, len(self._ports))
        voters = (f"{n}@{_HOST}:{port}" for n, port in self._controller_ports.items())
        client = f"PLAINTEXT://{_HOST}:{self._ports[node]}"
        return {
            "process.roles": "broker,controller",
            "node.id": str(node),
            "controller.quorum.voters": ",".join(voters),
            "listeners": f"{client},CONTROLLER://{_HOST}:{self._controller_ports[node]}",
            "advertised.listeners": client,
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "controller.listener.names": "CONTROLLER",
            "inter.broker.listener.name": "PLAINTEXT",
            "log.dirs": str(self.folder / f"node-{node}-data"),
            "auto.create.topics.enable": "false",
            "group.initial.rebalance.delay.ms": "0",
            "default.replication.factor": str(replicas),
            "min.insync.replicas": str(max(1, replicas - 1)),
            # A node killed and started again waits until its old session is over.
            "broker.session.timeout.ms": "3000",
            "broker.heartbeat.interval.ms": "500",
            "offsets.topic.num.partitions": "4",
            "offsets.topic.replication.factor": str(replicas),
            "transaction.state.log.num.partitions": "4",
            "transaction.state.log.replication.factor": str(replicas),
            "transaction.state.log.min.isr": str(max(1, replicas - 1)),
            "share.coordinator.state.topic.num.partitions": "1",
            "share.coordinator.state.topic.replication.factor": str(replicas),
            "share.coordinator.state.topic.min.isr": str(max(1, replicas - 1)),
            **self._options,
        }

    def _java(self, main: str, *arguments: str, heap_mb: int, measured: bool = False) -> list[str]:
        # The serial collector suits two cores that are shared with the tests.
        flags = [f"-Xmx{heap_mb}m", "-Xshare:auto", "-XX:+UseSerialGC"]
        if not measured:
            flags.append("-XX:TieredStopAtLevel=1")
        logging = f"-Dlog4j2.configurationFile={self.folder / 'log4j2.properties'}"
        return ["java", *flags, logging, "-cp", f"{self.jars}/*", main, *arguments]

    def storage_tool(self, *arguments: str) -> str:
        """Run Kafka's own tool for its folders and return what it prints."""
        done = subprocess.run(
            self._java("kafka.tools.StorageTool", *arguments, heap_mb=128),
            capture_output=True,
            text=True,
            timeout=_TOOL_LIMIT_S,
            check=False,
        )
        if done.returncode != 0:
            raise Unavailable(f"Kafka's storage tool failed: {(done.stdout + done.stderr)[-500:]}")
        return done.stdout

    def _launch(self, node: int) -> None:
        file = str(self._properties_file(node))
        command = self._java("kafka.Kafka", file, heap_mb=self._heap_mb, measured=self._measured)
        self._processes[node] = processes.start(command, log=self.log(node))

    def _await(self, node: int) -> None:
        processes.wait_until(
            lambda: broker_answers(_HOST, self._ports[node]),
            what=f"Kafka node {node}",
            process=self._processes[node],
            log=self.log(node),
            limit_s=_START_LIMIT_S,
        )
