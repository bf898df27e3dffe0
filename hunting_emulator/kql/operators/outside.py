"""Sources other than tables: `externaldata`, and a long `range`.

Pure. The URL of `externaldata` is not fetched: the result is an empty table.
"""

from collections.abc import Sequence
from typing import Final

from hunting_emulator.kql import sql
from hunting_emulator.kql.desk import Desk
from hunting_emulator.kql.pipelines import Place
from hunting_emulator.kql.tokens import Token, closing, text_of


def externaldata(tokens: Sequence[Token], place: Place, _desk: Desk) -> str:
    """Write the table for a file at a URL."""
    words = place.words(tokens)
    opening = next((i for i, token in enumerate(words) if token.text == "("), 1)
    end = closing(words, opening) or opening
    columns = text_of(words[opening + 1 : end])
    return place.reworded(tokens, f"datatable({columns})[]")


def long_range(tokens: Sequence[Token], place: Place, desk: Desk) -> str | None:
    """Have a long range of numbers counted out in batches, so that an interruption works.

    The translator makes a single list of a range, without interruption; shorter ranges may stay.
    """
    words = [token.text for token in place.words(tokens) if token.kind != "space"]
    if len(words) != len(_RANGE) or not all(map(str.isdigit, words[3::2])):
        return None
    start, stop, step = (int(words[index]) for index in (3, 5, 7))
    if step == 0 or (stop - start) // step < _MANY:
        return None
    name = sql.quote(words[1])
    made = f"SELECT generate_series AS {name} FROM generate_series({start}, {stop}, {step})"  # noqa: S608
    return place.replaced(tokens, desk.stage(made))


_RANGE: Final = ("range", "name", "from", "start", "to", "stop", "step", "width")
_MANY: Final = 100_000
