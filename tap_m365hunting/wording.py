"""Counted nouns for messages."""


def plural(count: int, noun: str, *, many: str = "") -> str:
    """Return a count with its noun.

    >>> plural(1, "row"), plural(1200, "row"), plural(2, "query", many="queries")
    ('1 row', '1,200 rows', '2 queries')
    """
    return f"{count:,} {noun if count == 1 else many or f'{noun}s'}"
