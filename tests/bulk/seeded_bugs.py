"""Puts bugs into copies of the loader, each by itself, for a test to find.

Run by `make seeded-bugs`, as `tests.soak.seeded_bugs` is. Each loses rows, doubles them, changes a
value or says something wrong, without a word.
"""

import sys
from functools import partial
from typing import Final

from tests.soak.seeded_bugs import Bug, main

_wrong = partial(Bug, package="bulk_loader")
_STATES: Final = "tests/bulk/test_states.py::test_"
_KEYS: Final = "tests/bulk/test_keys.py::test_"
_VALUES: Final = "tests/bulk/test_values.py::test_"
_SCHEMAS: Final = "tests/bulk/test_schemas.py::test_"
_LAKE: Final = "tests/bulk/test_lake.py::test_"

BUGS: Final = (
    _wrong(
        "a state comes out before its rows are there for good",
        "loading.py",
        "place.commit()\n            if item.state is not None:\n                emit(item.state)",
        "if item.state is not None:\n                emit(item.state)\n            place.commit()",
        f"{_STATES}rows_are_there_for_good_when_their_state_comes_out",
    ),
    _wrong(
        "a row stands beside the one with its key",
        "tables.py",
        "self._search(upsert.cleared())",
        "pass",
        f"{_KEYS}row_replaces_the_one_with_its_key",
    ),
    _wrong(
        "1.5 is 2 in a column of whole numbers",
        "sql_types.py",
        'lambda held, text: f"CAST({held} AS VARCHAR) = {text}"',
        'lambda held, _: f"{held} IS NOT NULL"',
        f"{_VALUES}value_that_its_schema_forbids_fails",
    ),
    _wrong(
        "keys that come twice at once are not looked for",
        "staging.py",
        "count(*) <> {distinct}",
        "FALSE",
        f"{_KEYS}last_of_many_rows_with_a_key_stays",
    ),
    _wrong(
        "the seventh digit of a second is lost",
        "sql_types.py",
        'f" THEN TRY_CAST({text} AS {kind})"',
        'f" THEN TRY_CAST(TRY_CAST({text} AS TIMESTAMP) AS {kind})"',
        f"{_VALUES}value_is_held_as_it_came",
    ),
    _wrong(
        "a time's offset is ignored",
        "sql_types.py",
        " - {parts} * ({ahead})",
        "",
        f"{_VALUES}value_is_held_as_it_came",
    ),
    _wrong(
        "a broken line is told by another number",
        "slices.py",
        "return self._lines[at] + row - self._starts[at]",
        "return self._lines[at] + row",
        f"{_STATES}broken_line_ends_the_load",
    ),
    _wrong(
        "rows of an older version stay",
        "tables.py",
        """older = f'"_sdc_table_version" < {version:d}'""",
        'older = "FALSE"',
        "tests/bulk/test_versions.py::test_rows_of_older_versions_go",
    ),
    _wrong(
        "the neighbours of a row that is replaced in the lake go with it",
        "lake.py",
        "if old.gone == old.rows:",
        "if old.gone:",
        f"{_LAKE}row_replaces_the_one_with_its_key",
    ),
    _wrong(
        "rows that a file of the lake has come again in another",
        "lake.py",
        "if hashed and there:",
        "if hashed and not there:",
        f"{_LAKE}row_of_the_lookback_is_there_once",
    ),
    _wrong(
        "a last line without its newline is lost",
        "intake.py",
        "yield _ended(rest)",
        "_ended(rest)",
        f"{_STATES}line_without_its_newline_is_a_line",
    ),
    _wrong(
        "a row with its content's hash is written again",
        "upserts.py",
        '{self._inserting()} {self.absent(span)}"',
        '{self._inserting()} FROM {self.source} AS here"',
        f"{_KEYS}content_hash_is_written_once",
    ),
    _wrong(
        "a new row behind a slice without one is taken for known",
        "tables.py",
        "self._nothing_new = False\n        else:",
        "pass\n        else:",
        f"{_KEYS}new_row_behind_a_stream_without_one_is_there",
    ),
    _wrong(
        "a column is given a type in which its values lose digits",
        "tables.py",
        'kind = "VARCHAR" if self._number(lost) else kind',
        "self._number(lost)",
        f"{_SCHEMAS}column_is_widened_so_that_nothing_is_lost",
    ),
    _wrong(
        "a key without a value is taken",
        "staging.py",
        'f"{cell} IS NOT NULL" for cell in key',
        '"TRUE" for cell in key',
        f"{_KEYS}key_without_value_fails",
    ),
    _wrong(
        "rows behind the last state are loaded with it",
        "sorting.py",
        "opened.cut()",
        "pass",
        f"{_STATES}cut_line_leaves_what_the_last_state_says",
    ),
    _wrong(
        "streams that differ by case share a table",
        "tables.py",
        "if other.lower() == stream.lower():",
        "if other == stream:",
        f"{_SCHEMAS}streams_that_differ_by_case_are_refused",
    ),
    _wrong(
        "a number loses the digits that no double has",
        "exact_cells.py",
        "return Decimal(text) != Decimal(repr(float(text)))",
        "return False",
        f"{_VALUES}digits_that_no_double_has_make_a_column_of_decimals",
    ),
    _wrong(
        "a number in a column of texts is printed anew",
        "staging.py",
        'if self._any("printed") and rewrite(part):',
        "if False:",
        "tests/bulk/test_digits.py::test_value_that_is_no_text_is_as_written_in_a_column_of_texts",
    ),
    _wrong(
        "rows of a tap that numbers none go",
        "tables.py",
        "if self.versioned(stream):",
        "if True:",
        "tests/bulk/test_versions.py::test_rows_without_version_are_not_taken_for_old",
    ),
    _wrong(
        "a row of the lake whose key has another type is there twice",
        "same_values.py",
        'return f"{_number(left)} = {_number(right)}"',
        'return f"{left}::VARCHAR = {right}::VARCHAR"',
        "tests/bulk/test_lake_changes.py::test_row_whose_key_has_another_type_is_there_once",
    ),
    _wrong(
        "a state without value lets the next run begin anew",
        "sorting.py",
        "if not value:",
        "if False:",
        "tests/bulk/test_messages.py::test_state_without_value_is_refused",
    ),
)

if __name__ == "__main__":
    sys.exit(main(BUGS))
