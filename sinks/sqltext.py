"""SQL as tokens: where statements end and which FORMAT one asks for, not fooled by text.

Follows ClickHouse's lexer for everything that can hide a word: comments (`--`, `#!`, `# `, and
`/* */`, which does not nest), strings, quoted identifiers and heredocs.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

_TOKEN = re.compile(
    r"""
    (?P<space>\s+)
  | (?P<comment>--[^\n]*|\#[ !][^\n]*|/\*.*?(?:\*/|\Z))
  | (?P<text>'(?:[^'\\]|\\.|'')*(?:'|\Z))
  | (?P<quoted>`(?:[^`\\]|\\.|``)*(?:`|\Z)|"(?:[^"\\]|\\.|"")*(?:"|\Z))
  | (?P<heredoc>\$(?P<tag>\w*)\$.*?(?:\$(?P=tag)\$|\Z))
  | (?P<word>[^\W\d]\w*)
  | (?P<number>\d\w*)
  | (?P<end>;)
  | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)


class Token(NamedTuple):
    """One meaningful piece of SQL and where it stands."""

    kind: str
    text: str
    start: int
    end: int


def tokens(sql: str) -> Iterator[Token]:
    """The tokens of SQL without spaces and comments."""
    for match in _TOKEN.finditer(sql):
        kind = match.lastgroup or "other"
        if kind == "tag":
            kind = "heredoc"
        if kind not in ("space", "comment"):
            yield Token(kind, match.group(), match.start(), match.end())


def statements(script: str) -> list[str]:
    """Split a script at its semicolons; comments between statements are dropped."""
    found: list[str] = []
    first: int | None = None
    last = 0
    for token in tokens(script):
        if token.kind == "end":
            if first is not None:
                found.append(script[first:last])
            first = None
            continue
        first = token.start if first is None else first
        last = token.end
    if first is not None:
        found.append(script[first:last])
    return found


class Insert(NamedTuple):
    """An INSERT whose data follows its FORMAT clause: `data_start` counts characters."""

    statement: str
    format: str
    data_start: int


def parse_insert(text: str) -> Insert | None:
    """Split `INSERT INTO t (a, b) FORMAT x <data>`; None for every other statement.

    Data begins as ClickHouse has it: after blanks and at most one line end behind the format.
    """
    depth = 0
    previous = ""
    after_format = None
    for token in tokens(text):
        word = token.text.upper() if token.kind == "word" else token.text
        if not previous and word != "INSERT":
            return None
        if after_format is not None and token.kind == "word":
            statement = text[:after_format].rstrip()
            return Insert(statement, token.text, _data_start(text, token.end))
        after_format = None
        if word in ("(", ")"):
            depth += 1 if word == "(" else -1
        elif depth == 0 and previous not in _BEFORE_NAME:
            if word in _NO_DATA:
                return None
            if word == "FORMAT":
                after_format = token.start
        previous = word
    return None


def from_file(insert: str, path: str, data_format: str) -> str:
    """Return `INSERT INTO t (a, b) [SETTINGS ...]` so that it reads its data from a file."""
    name_end, settings = 0, ""
    previous = ""
    for token in tokens(insert):
        word = token.text.upper() if token.kind == "word" else token.text
        if word == "SETTINGS" and previous not in _BEFORE_NAME:
            settings = f"{insert[token.start :]}\n"  # it may end in a comment
            break
        name_end, previous = token.end, word
    return f"{insert[:name_end]} FROM INFILE '{path}' {settings}FORMAT {data_format}"


def output_format(sql: str) -> str | None:
    """The format that a query asks for itself, if it does."""
    depth = 0
    found: str | None = None
    seen = list(tokens(sql))
    for number, token in enumerate(seen[:-1]):
        if token.text in ("(", "["):
            depth += 1
        elif token.text in (")", "]"):
            depth -= 1
        elif depth == 0 and token.kind == "word" and token.text.upper() == "FORMAT":
            following, after = seen[number + 1], seen[number + 2 : number + 3]
            ends = not after or after[0].kind == "end" or after[0].text.upper() == "SETTINGS"
            if following.kind == "word" and ends:
                found = following.text
    return found


_BEFORE_NAME = frozenset({"INTO", "TABLE", "FUNCTION", "."})
_NO_DATA = frozenset({"SELECT", "WITH", "VALUES", "FROM"})


def _data_start(text: str, position: int) -> int:
    while position < len(text) and text[position] in " \t\f":
        position += 1
    if text.startswith("\r", position):
        position += 1
    if text.startswith("\n", position):
        position += 1
    return position
