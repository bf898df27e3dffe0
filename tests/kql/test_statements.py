"""Exactly one statement has a result; what is none of it is refused with line and column."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_m365hunting import kql
from tap_m365hunting.errors import QueryTextError
from tap_m365hunting.kql.statements import MAX_DEPTH
from tests.kql.corpus import CASES, UNREADABLE, Case, read_or_refused

code = st.lists(
    st.sampled_from(
        [
            "let x = ",
            "let f = (T: (*)) {",
            "DeviceEvents",
            "x",
            "f",
            "(",
            ")",
            "[",
            "]",
            "{",
            "}",
            " | ",
            ";",
            ",",
            "=",
            "where ",
            "extend ",
            "project ",
            "summarize ",
            "by ",
            "join kind=",
            "inner ",
            "union ",
            "take 5",
            "evaluate ",
            "invoke ",
            "mv-apply ",
            "on ",
            "bin(Timestamp, 1h)",
            "parse ",
            "with ",
            "as ",
            "distinct ",
            "lookup ",
            "materialize(",
            "datatable(",
            "range ",
            "print ",
            "top ",
            "arg_max(",
            "*",
            "Timestamp",
            "window_start",
            "window_end",
            "-",
            ".",
            ":",
            "\n",
            "// c\n",
            "'s'",
            "render ",
            "project-away ",
            "project-keep ",
            "project-rename ",
            "make-series ",
            "search ",
            "set ",
        ]
    ),
    max_size=40,
).map("".join)


def assessed(text: str) -> kql.Verdict:
    """Say how the text would be read."""
    return kql.assess(kql.read(text))


@pytest.mark.parametrize(
    ("said", "text"),
    [pytest.param(said, text, id=name) for name, said, text in UNREADABLE],
)
def test_an_unreadable_text_is_refused_with_its_place(said: str, text: str) -> None:
    """The message says what is wrong, line and column say where."""
    place, _, message = said.partition(" | ")

    with pytest.raises(QueryTextError) as caught:
        kql.read(text)

    assert f"{caught.value.line}:{caught.value.column}" == place
    assert message in str(caught.value)


def test_brackets_that_nest_too_deep_are_refused() -> None:
    """A text made to exhaust the stack gets an answer like any other."""
    with pytest.raises(QueryTextError, match="nest deeper than 60"):
        kql.read("(" * (MAX_DEPTH + 1) + "T" + ")" * (MAX_DEPTH + 1))


def test_brackets_that_nest_deep_are_read() -> None:
    """Up to the bound, depth changes nothing."""
    verdict = kql.assess(kql.read("(" * MAX_DEPTH + "T | take 1" + ")" * MAX_DEPTH))

    assert [problem.operator for problem in verdict.problems] == ["take"]


def test_functions_that_multiply_are_refused() -> None:
    """Calls in calls in calls end, with a problem that names the place."""
    calls = "".join(f"let f{n + 1} = () {{ union f{n}(), f{n}() }};\n" for n in range(40))

    verdict = kql.assess(kql.read(f"let f0 = () {{ T }};\n{calls}f40()"))

    assert not verdict.ok
    assert "too deep" in verdict.problems[0].message


def test_a_long_chain_of_names_is_followed() -> None:
    """Depth is bounded where code nests, not where statements follow one another."""
    chain = "".join(f"let x{n + 1} = x{n} | where A > {n};\n" for n in range(2000))

    verdict = kql.assess(kql.read(f"let x0 = T | take 1;\n{chain}x2000"))

    assert [(problem.line, problem.operator) for problem in verdict.problems] == [(1, "take")]


def test_a_byte_order_mark_is_no_part_of_the_query() -> None:
    """Editors put it in front; the service would not take it for space."""
    assert kql.whole(kql.read("\ufeffT | count")) == "T | count"


@pytest.mark.parametrize(
    "text",
    [
        "T | join kind=",
        "union kind=",
        "T | lookup",
        "T | union",
        "T | invoke",
        "T | as",
        "T | evaluate",
        "T | summarize",
        "materialize",
        "T | project-rename a",
        "T | mv-apply on",
        "print",
        "range",
        "T | |",
    ],
)
def test_a_query_that_breaks_off_gets_a_verdict(text: str) -> None:
    """The service says what is missing; the check does not fall over it."""
    assert kql.assess(kql.read(text)).mode in kql.Mode


@given(code)
def test_anything_that_reads_gets_a_verdict(text: str) -> None:
    """However odd the code, there is a verdict, and its problems lie in the text."""
    verdict = read_or_refused(assessed, text)

    lines = text.split("\n")
    problems = [verdict] if isinstance(verdict, QueryTextError) else verdict.problems
    for problem in problems:
        assert 1 <= problem.column <= max(1, len(lines[problem.line - 1]))


@given(st.sampled_from(CASES), st.data())
def test_a_query_cut_anywhere_is_read_or_refused(case: Case, data: st.DataObject) -> None:
    """Half a query, as left by a slip of the hand, never breaks the check."""
    text = case.text
    half = text[: data.draw(st.integers(0, len(text)))]

    verdict = read_or_refused(assessed, half)

    places = [verdict] if isinstance(verdict, QueryTextError) else verdict.problems
    assert all(1 <= place.line <= half.count("\n") + 1 for place in places)
