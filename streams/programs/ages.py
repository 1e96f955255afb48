"""Ages of a creator on a pay day, where they are known.

A person's age is in full years on the pay day itself; who is born on 29 February is a year older on
1 March of other years. An account's age is in full days as of the pay day's end. Neither is below 0.
"""

from streams.programs.days import DAY_MS, PayDay
from streams.programs.facts import Registration


def person_age_years(registration: Registration | None, day: PayDay) -> int | None:
    """Return how old the person is on a day; None = not known."""
    if registration is None or not registration.birth_date:
        return None
    born, today = registration.birth_date, day.name
    had_birthday = today[5:] >= born[5:]  # month and day
    return max(0, int(today[:4]) - int(born[:4]) - (not had_birthday))


def account_age_days(registration: Registration | None, day: PayDay) -> int | None:
    """Return how old the account is at the end of a day; None = not known."""
    if registration is None:
        return None
    return max(0, day.end_ms - registration.registered_ms) // DAY_MS
