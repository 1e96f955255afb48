"""engage dead-letters: lists, counts and shows what was refused, from wherever the results are."""

from __future__ import annotations

import base64
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from schemas.failures import DeadLetter, Reason, Stage
from scripts import cli
from scripts.letters.printing import LIMIT_DEFAULT, PREVIEW_BYTES, SHOWN_BYTES_MAX, printable
from sinks.client import connect
from sinks.embedded import EmbeddedClickHouse
from sinks.migrate import migrate
from sinks.writer import Writer
from tests.unit.clickhouse_rows import Tables

ENGAGEMENT, COMMERCE = "engagement.events", "commerce.events"
EVENT_TIME_MS = 1_741_604_894_138
HOSTILE = b"\x00\xff\x1b[2J\xc3\xa9 {\n"

Shown = tuple[int, str, str]


def letter(offset: int, **more: Any) -> dict[str, Any]:
    return {
        "topic": ENGAGEMENT,
        "partition": 1,
        "offset": offset,
        "stage": Stage.DECODE.value,
        "reason": Reason.MALFORMED_JSON.value,
        "detail": f"detail {offset}",
        "raw": b"{",
        "version": offset,
        **more,
    }


@pytest.fixture
def letters(tables: Tables) -> Tables:
    tables.write(
        "dead_letters_log",
        letter(1),
        letter(2, reason=Reason.EMPTY.value, raw=b""),
        letter(3, raw=b"x" * (SHOWN_BYTES_MAX + 1)),
        letter(
            4,
            stage=Stage.ADMISSION.value,
            reason=Reason.WRONG_KEY.value,
            raw=b'{"id": "a"}',
            event_time=EVENT_TIME_MS,
        ),
        letter(5, raw=HOSTILE),
        letter(5, raw=HOSTILE, topic=COMMERCE, partition=0),
    )
    return tables


class Command:
    """The command as a person calls it, on the database of this test."""

    def __init__(self, url: str, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
        self._url = url
        self._captured = capfdbinary

    def __call__(self, *arguments: str) -> Shown:
        action, *rest = arguments
        code, out, error = self.bytes(action, "--clickhouse", self._url, *rest)
        return code, out.decode(), error

    def bytes(self, *arguments: str) -> tuple[int, bytes, str]:
        try:
            code = cli.guarded(lambda: cli.dispatch(["dead-letters", *arguments]))
        except SystemExit as left:
            code = int(left.code or 0)
        out, error = self._captured.readouterr()
        return code, out, error.decode()


@pytest.fixture
def command(
    clickhouse: EmbeddedClickHouse,
    migrated: str,
    capfdbinary: pytest.CaptureFixture[bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> Command:
    monkeypatch.setenv("ENGAGE_DATABASE", migrated)
    return Command(clickhouse.reading_url, capfdbinary)


def ids_of(out: str) -> list[str]:
    return re.findall(r"^(\S+-\d+-\d+)  ", out, re.M)


@pytest.mark.usefixtures("letters")
class TestOnALog:
    def test_lists_the_highest_offsets_first(self, command: Command) -> None:
        code, out, _ = command("list")
        assert code == 0
        assert ids_of(out) == [
            f"{COMMERCE}-0-5",
            *(f"{ENGAGEMENT}-1-{offset}" for offset in (5, 4, 3, 2, 1)),
        ]
        assert f"{ENGAGEMENT}-1-4  wrong_key: detail 4\n    " + '{"id": "a"}\n' in out
        assert "(no bytes)" in out
        assert "x" * PREVIEW_BYTES + " ...\n" in out

    def test_a_short_list_says_that_there_is_more(self, command: Command) -> None:
        _, out, _ = command("list", "--limit", "2")
        assert len(ids_of(out)) == 2
        assert out.splitlines()[-1].startswith("2 of 6: ")

    @pytest.mark.parametrize(
        ("conditions", "offsets"),
        [
            (["reason=empty"], {"2"}),
            (["reason=empty", "reason=wrong_key"], {"2", "4"}),
            (["stage=admission"], {"4"}),
            (["topic=commerce.events"], {"5"}),
            (["partition=0"], {"5"}),
            (["reason=malformed_json", "partition=1"], {"1", "3", "5"}),
            (["reason=empty", "stage=admission"], set()),
            (["offset=5", "partition=1"], {"5"}),
            (["detail=detail 3"], {"3"}),
        ],
    )
    def test_where(self, command: Command, conditions: list[str], offsets: set[str]) -> None:
        code, out, _ = command("list", *(part for one in conditions for part in ("--where", one)))
        assert code == 0
        assert {name.rsplit("-", 1)[1] for name in ids_of(out)} == offsets
        assert ("no dead letters like that" in out) is (not offsets)

    def test_count(self, command: Command) -> None:
        code, out, _ = command("group")
        assert code == 0
        assert [line.split() for line in out.splitlines()] == [
            ["messages", "reason", "stage", "topic"],
            ["3", "malformed_json", "decode", ENGAGEMENT],
            ["1", "malformed_json", "decode", COMMERCE],
            ["1", "wrong_key", "admission", ENGAGEMENT],
            ["1", "empty", "decode", ENGAGEMENT],
            ["6", "in", "all"],
        ]

    def test_count_as_json(self, command: Command) -> None:
        _, out, _ = command("group", "--json", "--where", "reason=empty")
        assert [json.loads(line) for line in out.splitlines()] == [
            {"topic": ENGAGEMENT, "stage": "decode", "reason": "empty", "messages": 1}
        ]

    def test_show(self, command: Command) -> None:
        code, out, _ = command("show", f"{ENGAGEMENT}-1-4")
        assert code == 0
        fields = dict(line.split(maxsplit=1) for line in out.splitlines()[:4])
        assert fields == {
            "message": f"{ENGAGEMENT}-1-4",
            "stage": "admission",
            "reason": "wrong_key",
            "detail": "detail 4",
        }
        assert "event time  2025-03-10T11:08:14.138Z\nraw         11 bytes\n" in out
        assert out.endswith('{"id": "a"}\n')

    def test_show_cuts_what_no_screen_holds(self, command: Command) -> None:
        _, out, _ = command("show", f"{ENGAGEMENT}-1-3")
        assert "event time  unknown" in out
        assert "x" * SHOWN_BYTES_MAX + "\n... cut" in out

    @pytest.mark.parametrize("topic", [f"{ENGAGEMENT}-1", f"{COMMERCE}-0"])
    def test_raw_is_the_message_byte_for_byte(
        self, command: Command, clickhouse: EmbeddedClickHouse, topic: str
    ) -> None:
        code, out, _ = command.bytes(
            "show", "--clickhouse", clickhouse.reading_url, f"{topic}-5", "--raw"
        )
        assert (code, out) == (0, HOSTILE)

    def test_nothing_reaches_the_terminal_that_it_would_obey(self, command: Command) -> None:
        for arguments in (("list",), ("show", f"{ENGAGEMENT}-1-5")):
            _, out, _ = command(*arguments)
            assert r"\x00\xff\x1b[2Jé {\n" in out
            assert not {"\x00", "\x1b"} & set(out)

    def test_json_has_every_message_whole(self, command: Command) -> None:
        code, out, _ = command("list", "--json")
        found = [json.loads(line) for line in out.splitlines()]
        assert code == 0
        assert len(found) == 6
        assert found[0].keys() <= DeadLetter.model_fields.keys()
        by_offset = {(one["topic"], one["offset"]): one for one in found}
        raw = base64.b64decode(by_offset[ENGAGEMENT, 3]["raw_base64"])
        assert raw == b"x" * (SHOWN_BYTES_MAX + 1)
        assert by_offset[ENGAGEMENT, 4]["event_time_ms"] == EVENT_TIME_MS
        assert by_offset[ENGAGEMENT, 1]["event_time_ms"] is None

    def test_json_of_one(self, command: Command) -> None:
        _, out, _ = command("show", "--json", f"{ENGAGEMENT}-1-5")
        assert base64.b64decode(json.loads(out)["raw_base64"]) == HOSTILE

    def test_one_that_does_not_exist(self, command: Command) -> None:
        code, out, error = command("show", f"{ENGAGEMENT}-1-77")
        assert (code, out) == (2, "")
        assert f"{ENGAGEMENT}-1-77 is no dead letter" in error


def test_the_list_is_bounded(command: Command, tables: Tables) -> None:
    tables.write("dead_letters_log", *(letter(n) for n in range(LIMIT_DEFAULT + 5)))
    assert len(ids_of(command("list")[1])) == LIMIT_DEFAULT
    assert len(command("list", "--json")[1].splitlines()) == LIMIT_DEFAULT + 5
    assert len(command("list", "--json", "--limit", "3")[1].splitlines()) == 3


@pytest.mark.usefixtures("client")
def test_without_dead_letters(command: Command) -> None:
    assert command("list") == (0, "no dead letters\n", "")
    assert command("list", "--json") == (0, "", "")
    assert command("group")[1].endswith("         0  in all\n")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["list", "--where", "reason=wrong_kye"], "reason is one of"),
        (
            ["list", "--where", "colour=red"],
            "KEY is topic, partition, offset, stage, reason or detail",
        ),
        (["list", "--where", "reason"], "reason is one of"),
        (["list", "--where", "topic=videos"], "topic is one of engagement.events, commerce.events"),
        (["list", "--where", "partition=-1"], "a partition is a number"),
        (["list", "--where", "partition=99999999999"], "a partition is a number"),
        (["show", "engagement.events"], "TOPIC-PARTITION-OFFSET"),
        (["show", "engagement.events-0-99999999999999999999"], "TOPIC-PARTITION-OFFSET"),
        (["list", "--limit", "0"], "above 0"),
        (["list", "--limit", "many"], "above 0"),
        (["list", "--where", "offset=x"], "an offset is a number"),
        (["show"], "required: ID"),
        (["show", "a-0-1", "--raw", "--json"], "not allowed with"),
        (["mend"], "invalid choice"),
    ],
)
def test_what_makes_no_sense_is_refused(command: Command, arguments: list[str], words: str) -> None:
    code, out, error = command(*arguments)
    assert (code, out) == (2, "")
    assert words in error


def test_says_when_there_is_nowhere_to_look(command: Command, tmp_path: Path) -> None:
    code, _, error = command.bytes("list")
    assert (code, error.count("\n")) == (2, 1)
    assert "--data DIR, --clickhouse URL or ENGAGE_CLICKHOUSE" in error
    code, _, error = command.bytes("list", "--data", str(tmp_path))
    assert (code, error.count("\n")) == (2, 1)
    assert f"{tmp_path} holds no results" in error


@pytest.mark.usefixtures("letters")
def test_reads_the_stack_that_runs_on_a_folder(
    command: Command, clickhouse: EmbeddedClickHouse, tmp_path: Path
) -> None:
    where = {"pid": os.getpid(), "clickhouse": clickhouse.url, "kafka": "127.0.0.1:9"}
    (tmp_path / "stack.json").write_text(json.dumps(where))
    code, out, _ = command.bytes("list", "--data", str(tmp_path), "--where", "reason=empty")
    assert (code, ids_of(out.decode())) == (0, [f"{ENGAGEMENT}-1-2"])


def test_reads_the_results_that_a_run_has_left(command: Command, tmp_path: Path) -> None:
    with EmbeddedClickHouse(tmp_path / "clickhouse") as engine:
        database = os.environ["ENGAGE_DATABASE"]
        client = connect(engine.url, database)
        migrate(client, database)
        client.close()
        with Writer(engine.url, database) as writer:
            Tables(writer).write("dead_letters_log", letter(7))
    code, out, _ = command.bytes("list", "--data", str(tmp_path))
    assert (code, ids_of(out.decode())) == (0, [f"{ENGAGEMENT}-1-7"])


def test_printable_keeps_words_and_escapes_the_rest() -> None:
    assert printable("naïve 漢字 🎁") == "naïve 漢字 🎁"
    assert printable("\u202eabc\x7f\r\t") == r"\u202eabc\x7f\r\t"
    assert printable(b"\xed\xa0\x80") == r"\xed\xa0\x80"
