"""Errors, named for what the caller should do.

EngageError
├── ConfigError      a setting or flag is wrong: fix it and start again (names the key)
├── InputError       a file or message given by a person cannot be used: fix the input
├── Unavailable      a service does not answer: wait and try again
├── SettlementError  an amount cannot be computed: add the rate or mend the fact that it names
├── Refused          the operation would do harm or contradicts what exists: do something else
│   └── Missing      what it needs does not exist: make it first
└── Fenced           another process owns the partition: exit and be restarted
"""


class EngageError(Exception):
    """Base of all expected errors; its message is one line a person can act on."""

    exit_code = 2


class ConfigError(EngageError):
    """A setting or flag is wrong; the message names the key."""


class InputError(EngageError):
    """Input given by a person cannot be used; the message names the place."""


class Unavailable(EngageError):
    """A service does not answer; trying again later may work."""


class SettlementError(EngageError):
    """An amount cannot be computed; names the ledger key and a reason that programs can test."""

    def __init__(self, key: str, reason: str, detail: str) -> None:
        super().__init__(f"{key}: {reason}: {detail}")
        self.key = key
        self.reason = reason
        self.detail = detail


class Refused(EngageError):
    """The operation is refused because it would lose, double or contradict something."""


class Missing(Refused):
    """A database or a table does not exist."""


class Fenced(EngageError):
    """Another process took the partition over; this one must exit."""

    exit_code = 75
