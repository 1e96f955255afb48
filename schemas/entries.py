"""Names of ledger entries: parts joined by colons, unambiguous whatever ids contain."""


def entry_id(*parts: str) -> str:
    """Return the entry id of its parts; a colon or percent sign inside a part is written as %3A, %25."""
    if not any(":" in part or "%" in part for part in parts):
        return ":".join(parts)
    return ":".join(part.replace("%", "%25").replace(":", "%3A") for part in parts)
