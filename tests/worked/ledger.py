"""A ledger in memory, as the tables keep it: appended to, never changed, summed up when asked."""

from collections.abc import Collection, Iterable

from streams.programs.lines import Line, Refusal
from streams.settlement import Account, Booked, SettledEntry, entries_to_book, key_of


class Ledger:
    """Entries by name; the same name again must say the same."""

    def __init__(self) -> None:
        self.entries: dict[str, SettledEntry] = {}

    def append(self, entries: Iterable[SettledEntry]) -> None:
        for entry in entries:
            before = self.entries.setdefault(entry.entry_id, entry)
            assert before[:-1] == entry[:-1], f"entry {entry.entry_id} would change"

    def booked(self, source: str = "") -> dict[Account, Booked]:
        accounts: dict[Account, Booked] = {}
        for entry in self.entries.values():
            if source in ("", entry.source):
                account = Account(key_of(entry.entry_id), entry.creator_id, entry.currency)
                before = accounts.get(account)
                accounts[account] = Booked(
                    1 + (before.entries if before else 0),
                    entry.amount_micros + (before.amount_micros if before else 0),
                    entry.occurred_at_ms,
                    entry.source,
                    entry.reference,
                    entry.rate_version,
                    entry.rate_card,
                )
        return accounts

    def settle(
        self,
        lines: Iterable[Line],
        refusals: Collection[Refusal] = (),
        *,
        source: str = "",
        restate: bool = False,
    ) -> list[tuple[str, str, int, str]]:
        """Book what is missing; return (creator, state, amount, reason) of each new entry."""
        booked = self.booked(source)
        entries = entries_to_book(lines, booked, refusals=refusals, restate=restate)
        self.append(entries)
        return [(e.creator_id, e.state, e.amount_micros, e.reason) for e in entries]

    def balances(self) -> dict[tuple[str, str], int]:
        """Return what everybody has, by creator and currency."""
        sums: dict[tuple[str, str], int] = {}
        for entry in self.entries.values():
            owner = (entry.creator_id, entry.currency)
            sums[owner] = sums.get(owner, 0) + entry.amount_micros
        return sums
