"""Puts wrong answers of the emulator back, each into a copy of the tree, for a test to find.

Run by `make seeded-bugs`, as `tests.soak.seeded_bugs` is. Each was once an answer of the emulator
that was given without a word.
"""

import sys
from functools import partial
from typing import Final

from tests.soak.seeded_bugs import Bug, main

_wrong = partial(Bug, package="hunting_emulator")
_FUNCTIONS: Final = (
    "tests/emulator/test_documented_values.py::test_a_function_has_the_documented_value"
)
_OPERATORS: Final = (
    "tests/emulator/test_documented_values.py::test_an_operator_has_the_documented_rows"
)
_HARD: Final = "tests/emulator/test_hard_cases.py::test_"

BUGS: Final = (
    _wrong(
        "10.300.1.1 is no private address, in the place of null",
        "kql/library/addresses.py",
        'f"CASE WHEN kusto_ipv4(x) IS NULL THEN NULL ELSE {_PRIVATE} END"',
        'f"coalesce({_PRIVATE}, false)"',
        _FUNCTIONS,
    ),
    _wrong(
        "the time of ingestion shows on both sides of a join",
        "kql/exact.py",
        """f" WHERE NOT starts_with(column_name, '{INGESTED}')\"""",
        '""',
        f"{_HARD}the_time_of_ingestion_is_a_hidden_column_on_both_sides_of_a_join",
    ),
    _wrong(
        "make_set and make_list ignore how many",
        "kql/calls.py",
        """"make_set": partial(_by_count, "make_set", {2: "make_set_most"}),""",
        """"make_set": lambda given: f"__same_make_set({given[0]})",""",
        _OPERATORS,
    ),
    _wrong(
        "replace takes the text first",
        "kql/calls.py",
        "pattern, rewrite, source = arguments",
        "source, pattern, rewrite = arguments",
        _FUNCTIONS,
    ),
    _wrong(
        "weeks are counted as seven days",
        "kql/calls.py",
        'string_value(period).lower() == "week"',
        "not period",
        _FUNCTIONS,
    ),
    _wrong(
        "pack_all(true) keeps what is empty",
        "kql/expand.py",
        'replace(" ", "").startswith("(true)")',
        'replace(" ", "").startswith("(never)")',
        _OPERATORS,
    ),
    _wrong(
        "an array on the right side of in is one value",
        "kql/translate.py",
        "staged(spread(text, translator), translator)",
        "staged(text, translator)",
        f"{_HARD}the_elements_of_an_array_are_looked_for_and_not_the_array",
    ),
)

if __name__ == "__main__":
    sys.exit(main(BUGS))
