"""The Native format as newer clients want it.

chDB writes Native blocks as for revision 0. A client that announces a revision (Grafana's data
source is one) expects a block info before each block and, from revision 54454 on, a byte after
every column's type that says how it is serialised. To put those in one must know where every column
ends, so this walks over the data by its types; it changes no values. What clients insert is always
of revision 0.
"""

import re
import struct
from dataclasses import dataclass, field

from sinks.sqltext import tokens

REVISION_WITH_SERIALIZATION = 54454
BLOCK_INFO = b"\x01\x00\x02\xff\xff\xff\xff\x00"  # not overflows, no bucket, end

_WIDTHS = {
    **dict.fromkeys(("Int8", "UInt8", "Bool", "Nothing"), 1),
    **dict.fromkeys(("Int16", "UInt16", "Date", "BFloat16"), 2),
    **dict.fromkeys(("Int32", "UInt32", "Float32", "Date32", "DateTime", "IPv4", "Time"), 4),
    **dict.fromkeys(("Int64", "UInt64", "Float64", "DateTime64", "Time64"), 8),
    **dict.fromkeys(("Int128", "UInt128", "UUID", "IPv6"), 16),
    **dict.fromkeys(("Int256", "UInt256"), 32),
    "Enum8": 1,
    "Enum16": 2,
}
_GEO = {
    "Point": "Tuple(Float64, Float64)",
    "Ring": "Array(Point)",
    "LineString": "Array(Point)",
    "MultiLineString": "Array(LineString)",
    "Polygon": "Array(Ring)",
    "MultiPolygon": "Array(Polygon)",
}
_ALIASED = re.compile(r"^(?:[A-Za-z_]\w*|`(?:[^`\\]|\\.)*`) +(?=[A-Z])")
_DECIMAL_DIGITS = ((9, 4), (18, 8), (38, 16), (76, 32))
_KEY_WIDTHS = (1, 2, 4, 8)


class NativeError(ValueError):
    """A block is broken, or has a column type that is not walked here."""


def from_plain(data: bytes, revision: int) -> bytes:
    """Blocks of revision 0 as a client of this revision wants them.

    Raises:
        NativeError: there is a column whose end is not known.
    """
    if not revision:
        return data
    serialization = b"\0" if revision >= REVISION_WITH_SERIALIZATION else b""
    walk = _Walk(data)
    parts: list[bytes] = []
    while walk.position < len(data):
        parts.append(BLOCK_INFO)
        start = walk.position
        columns, rows = walk.varint(), walk.varint()
        for _ in range(columns):
            walk.string()
            kind = walk.string()
            parts += (data[start : walk.position], serialization)
            start = walk.position
            if rows:
                walk.column(kind, rows)
        parts.append(data[start : walk.position])
    return b"".join(parts)


@dataclass
class _Walk:
    """A position in a block's bytes that steps over one thing after the other."""

    data: bytes
    position: int = 0
    _parsed: dict[str, tuple[str, list[str]]] = field(default_factory=dict)

    def skip(self, count: int) -> int:
        """Step over bytes; gives where they began."""
        start = self.position
        self.position += count
        if self.position > len(self.data):
            raise NativeError("the block ends too early")
        return start

    def byte(self) -> int:
        return self.data[self.skip(1)]

    def varint(self) -> int:
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7
            if shift > 63:
                raise NativeError("a number has too many bytes")

    def string(self) -> str:
        length = self.varint()
        start = self.skip(length)
        return self.data[start : start + length].decode(errors="replace")

    def word(self) -> int:
        start = self.skip(8)
        return int(struct.unpack_from("<Q", self.data, start)[0])

    def column(self, kind: str, rows: int) -> None:
        """A whole column: first the states of its parts, then their values."""
        self.states(kind)
        self.values(kind, rows)

    def states(self, kind: str) -> None:
        name, arguments = self._parse(kind)
        if name == "LowCardinality":
            if self.word() != 1:
                raise NativeError("unknown version of LowCardinality keys")
            return
        if name in _NESTING:
            for argument in arguments:
                self.states(argument)

    def values(self, kind: str, rows: int) -> None:
        name, arguments = self._parse(kind)
        if name in _WIDTHS:
            self.skip(_WIDTHS[name] * rows)
        elif name.startswith("Interval"):
            self.skip(8 * rows)
        elif name == "String":
            for _ in range(rows):
                self.skip(self.varint())
        elif name == "FixedString":
            self.skip(int(arguments[0]) * rows)
        elif name == "Decimal":
            self.skip(_decimal_width(arguments[0]) * rows)
        elif name == "Nullable":
            self.skip(rows)
            self.values(arguments[0], rows)
        elif name == "LowCardinality":
            self.low_cardinality(arguments[0], rows)
        elif name == "Tuple":
            for argument in arguments:
                self.values(argument, rows)
        elif name == "Array":
            self.values(arguments[0], self.last_offset(rows))
        else:
            raise NativeError(
                f"columns of type {kind} are not known here: cast it, toString({kind})"
            )

    def last_offset(self, rows: int) -> int:
        start = self.skip(8 * rows)
        return int(struct.unpack_from("<Q", self.data, start + 8 * (rows - 1))[0]) if rows else 0

    def low_cardinality(self, kind: str, rows: int) -> None:
        if not rows:
            return
        flags = self.word()
        if flags & 0x100:
            raise NativeError("LowCardinality with a shared dictionary")
        self.values(self._parse(kind)[1][0] if kind.startswith("Nullable(") else kind, self.word())
        self.skip(_KEY_WIDTHS[flags & 0xF] * self.word())

    def _parse(self, kind: str) -> tuple[str, list[str]]:
        found = self._parsed.get(kind)
        if found is None:
            found = self._parsed[kind] = _parse_type(kind)
        return found


_NESTING = frozenset({"Array", "Nullable", "Tuple"})


def _parse_type(kind: str) -> tuple[str, list[str]]:
    """Name and arguments of a type; what only names or describes another type is resolved."""
    kind = _GEO.get(kind, kind)
    name, bracket, rest = kind.partition("(")
    if not bracket:
        return name, []
    arguments = _split(rest[:-1])
    if name == "Map":
        return "Array", [f"Tuple({', '.join(arguments)})"]
    if name == "Nested":
        return "Array", [f"Tuple({', '.join(arguments)})"]
    if name == "SimpleAggregateFunction":
        return _parse_type(arguments[-1])
    if name == "Tuple":
        return name, [_ALIASED.sub("", argument, count=1) for argument in arguments]
    return name, arguments


def _split(text: str) -> list[str]:
    """Arguments separated by commas, outside of brackets and quotes."""
    parts: list[str] = []
    depth, start = 0, 0
    for token in tokens(text):
        if token.text == "(":
            depth += 1
        elif token.text == ")":
            depth -= 1
        elif token.text == "," and not depth:
            parts.append(text[start : token.start].strip())
            start = token.end
    parts.append(text[start:].strip())
    return parts


def _decimal_width(precision: str) -> int:
    return next(width for digits, width in _DECIMAL_DIGITS if int(precision) <= digits)
