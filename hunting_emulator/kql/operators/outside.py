"""`externaldata`: an empty table of the columns that are declared.

Pure. What stands behind the URL is not fetched.
"""

from collections.abc import Sequence

from hunting_emulator.kql.desk import Desk
from hunting_emulator.kql.pipelines import Place
from hunting_emulator.kql.tokens import Token, closing, text_of


def externaldata(tokens: Sequence[Token], place: Place, _desk: Desk) -> str:
    """Write the table that a file at a URL would be."""
    words = place.words(tokens)
    opening = next((i for i, token in enumerate(words) if token.text == "("), 1)
    end = closing(words, opening) or opening
    columns = text_of(words[opening + 1 : end])
    return place.reworded(tokens, f"datatable({columns})[]")
