"""A short text that changes with the query, so that no bookmark is kept for another query.

Pure. Made from the tokens, so comments, spaces and line ends may change; so may a `;` at the end
and a last `render`: neither is sent.
"""

from hashlib import blake2b
from typing import Final

from tap_m365hunting.kql.query import Query
from tap_m365hunting.kql.verdict import Mode

# By chance, one change in 2^48 goes unnoticed.
_BYTES: Final = 6


def fingerprint(query: Query, mode: Mode) -> str:
    """Return the text remembered in the state for a query and its mode.

    >>> from tap_m365hunting.kql.statements import read
    >>> fingerprint(read("AlertInfo // all"), Mode.INCREMENTAL)
    'incremental-4d91aec91bf7'
    """
    hashed = blake2b(digest_size=_BYTES)
    for span in (*query.leading, query.final):
        for token in query.tokens[span.start : span.end]:
            text = token.text.encode("utf-8", "surrogatepass")
            hashed.update(b"%d:%s" % (len(text), text))
        hashed.update(b";")
    return f"{mode.value}-{hashed.hexdigest()}"
