"""What a panel may be asked with: checked at the edge, bound in ClickHouse, never pasted into SQL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from schemas.errors import InputError

ID_LENGTH_MAX = 256
MINUTE_S = 60
HOUR_S = 3_600
DAY_S = 86_400


@dataclass(frozen=True)
class Choice:
    """One of a few words; the first is the default."""

    name: str
    values: tuple[str, ...]

    @property
    def default(self) -> str:
        """The word that stands where none is given."""
        return self.values[0]

    def bound(self, value: str) -> dict[str, str]:
        """Query parameters for a value.

        Raises:
            InputError: it is none of the words; the message lists them.
        """
        if value not in self.values:
            words = ", ".join(word or "(empty)" for word in self.values)
            raise InputError(f"{self.name}={_shown(value)}: must be one of {words}")
        return {self.name: value}


@dataclass(frozen=True)
class Identifier:
    """An id that somebody else made: any text that is not too long; empty means all."""

    name: str
    required: bool = False
    default: str = ""

    def bound(self, value: str) -> dict[str, str]:
        """Query parameters for a value.

        Raises:
            InputError: it is too long, or missing although it is needed.
        """
        if len(value) > ID_LENGTH_MAX:
            raise InputError(f"{self.name}: at most {ID_LENGTH_MAX} characters, not {len(value)}")
        if self.required and not value:
            raise InputError(f"{self.name}: is needed and must not be empty")
        return {self.name: value}


@dataclass(frozen=True, eq=False)
class Span:
    """A stretch of event time that ends now, cut into steps: `span_s` and `step_s` in the SQL.

    A span of 0 is all of time.
    """

    steps: Mapping[str, tuple[int, int]]
    name: str = "range"

    @property
    def default(self) -> str:
        """The first stretch."""
        return next(iter(self.steps))

    def bound(self, value: str) -> dict[str, str]:
        """Query parameters for a value.

        Raises:
            InputError: it is none of the stretches; the message lists them.
        """
        if value not in self.steps:
            known = ", ".join(self.steps)
            raise InputError(f"{self.name}={_shown(value)}: must be one of {known}")
        span_s, step_s = self.steps[value]
        return {"span_s": str(span_s), "step_s": str(step_s)}


Parameter = Choice | Identifier | Span


@dataclass(frozen=True, eq=False)
class Query:
    """A named question to ClickHouse.

    `compare_by` names the columns by which a row is found again in an earlier answer, so that its
    movement in `rank` can be told.
    """

    name: str
    meaning: str
    sql: str
    parameters: tuple[Parameter, ...] = ()
    compare_by: tuple[str, ...] = ()


@dataclass(frozen=True)
class Ask:
    """A question with its values; equal ones are asked once for everybody."""

    query: Query
    values: tuple[tuple[str, str], ...]

    @property
    def bindings(self) -> dict[str, str]:
        """The parameters of the SQL."""
        values = dict(self.values)
        bound: dict[str, str] = {}
        for parameter in self.query.parameters:
            bound |= parameter.bound(values[parameter.name])
        return bound


def asks_of(queries: tuple[Query, ...], given: Mapping[str, str]) -> tuple[Ask, ...]:
    """Read the values that several panels share by name; defaults fill the rest.

    Raises:
        InputError: a value cannot be used, or no panel knows its name.
    """
    known = {parameter.name for query in queries for parameter in query.parameters}
    for name in given:
        if name not in known:
            panels = ", ".join(query.name for query in queries)
            has = ", ".join(sorted(known)) or "none"
            raise InputError(f"unknown parameter {_shown(name)} of {panels}: there are {has}")
    asks = tuple(
        Ask(
            query,
            tuple((p.name, given.get(p.name, p.default)) for p in query.parameters),
        )
        for query in queries
    )
    for ask in asks:
        assert ask.bindings is not None  # a wrong value is refused here, not at the first reading
    return asks


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:40] + "...")
