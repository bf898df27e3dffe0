"""What is said of a query before any call."""

from dataclasses import replace

import pytest

from tap_m365hunting import kql
from tap_m365hunting.errors import QueryTextError
from tap_m365hunting.kql import Mode
from tests.kql.corpus import CASES, Case


def assessed(case: Case) -> kql.Verdict:
    """Assess the query with what is configured for it."""
    return kql.assess(
        kql.read(case.text),
        method=case.settings.get("method"),
        cursor=case.settings.get("key"),
        unsafe=case.unsafe,
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_query_gets_its_verdict(case: Case) -> None:
    """Mode, cursor, bins, and each problem at its place; nothing is said beside."""
    verdict = assessed(case)

    problems = {(p.severity, p.operator or "-", f"{p.line}:{p.column}") for p in verdict.problems}
    assert (verdict.mode.value, verdict.cursor) == (case.mode, case.cursor)
    assert problems == case.problems
    assert str(verdict.bin or "") == case.settings.get("bin", "")
    assert verdict.ok is all(severity != "error" for severity, *_ in case.problems)


def test_a_problem_points_at_its_operator() -> None:
    """Line and column are of the user's own text, at the very word, which may be quoted."""
    for case in CASES:
        lines = case.text.split("\n")
        for problem in assessed(case).problems:
            word = (problem.operator or "").split(" ")[0]
            place = lines[problem.line - 1][problem.column - 1 :].lstrip("['\"")
            assert place.startswith(word), case.name


def test_line_endings_change_no_verdict() -> None:
    """A file from another system means the same."""
    for case in CASES:
        other = replace(case, text=case.text.replace("\n", "\r\n"))
        assert assessed(other) == assessed(case), case.name


def test_every_error_says_what_to_do() -> None:
    """A refusal without a way out is no help."""
    ways = (
        "remove", "replication_method", "replication_key", "window_start", "make a query of each",
        "keep", "write", "use both", "kind=inner", "add",
    )  # fmt: skip

    for case in CASES:
        for problem in assessed(case).problems:
            said = problem.message.lower()
            assert problem.severity == "warning" or any(way in said for way in ways), problem


def test_unsafe_leaves_errors_only_where_no_window_could_work() -> None:
    """The user may overrule what is said of a query's meaning, not what cannot run."""
    for case in CASES:
        verdict = assessed(replace(case, settings={**case.settings, "unsafe": ""}))
        errors = {problem.operator for problem in verdict.problems if problem.severity == "error"}
        without_cursor = verdict.mode is Mode.INCREMENTAL and verdict.cursor is None
        always = {"fork", "facet", "|", "window_start", "window_end", None}
        assert errors <= always or without_cursor, case.name


@pytest.mark.parametrize(
    ("text", "columns", "mode", "cursor"),
    [
        pytest.param("T", [("Timestamp", "DateTime")], Mode.INCREMENTAL, "Timestamp", id="there"),
        pytest.param("T", [("Name", "String")], Mode.FULL_TABLE, None, id="not-there"),
        pytest.param("T", [("Timestamp", "String")], Mode.FULL_TABLE, None, id="a-text"),
        pytest.param("T", [("timestamp", "DateTime")], Mode.FULL_TABLE, None, id="other-case"),
        pytest.param(
            "T",
            [("TimeGenerated", "DateTime"), ("Timestamp", "DateTime")],
            Mode.INCREMENTAL,
            "Timestamp",
            id="both",
        ),
        pytest.param(
            "T", [("TimeGenerated", "datetime")], Mode.INCREMENTAL, "TimeGenerated", id="other"
        ),
        pytest.param("T | take 5", [("Name", "String")], Mode.FULL_TABLE, None, id="limit-is-fine"),
        pytest.param("T", [], Mode.FULL_TABLE, None, id="no-columns"),
    ],
)  # fmt: skip
def test_the_services_columns_decide_what_the_text_leaves_open(
    text: str, columns: list[tuple[str, str]], mode: Mode, cursor: str | None
) -> None:
    """A table's columns are not in the text; once the service has named them, they count."""
    verdict = kql.assess(kql.read(text), columns=columns)

    assert (verdict.mode, verdict.cursor, verdict.ok) == (mode, cursor, True)


@pytest.mark.parametrize("kind", ["DateTime", "String"])
def test_a_time_that_the_projection_keeps_as_text_is_told_once(kind: str) -> None:
    """A column without a name of its own gets the name of the one inside, which is text then."""
    query = kql.read("EmailEvents | project tostring(Timestamp), Subject")

    verdict = kql.assess(query, columns=[("Timestamp", kind), ("Subject", "String")])

    assert len(verdict.problems) == (kind == "String")


def test_a_configured_cursor_that_is_not_there_is_an_error_with_those_that_are() -> None:
    """The message names the datetime columns to choose from."""
    columns = [("Created", "DateTime"), ("Name", "String"), ("Changed", "DateTime")]

    verdict = kql.assess(kql.read("T"), cursor="Timestamp", columns=columns)

    assert not verdict.ok
    assert "no datetime column Timestamp" in verdict.problems[0].message
    assert "Created, Changed" in verdict.problems[0].message


def test_an_unreadable_text_is_a_problem_like_any_other() -> None:
    """The check lists what it cannot read beside what it can."""
    problem = kql.Problem.of(QueryTextError("Gone wrong", line=3, column=7))

    assert problem == kql.Problem("error", 3, 7, None, "Gone wrong")


@pytest.mark.parametrize(
    "text",
    [
        "T | where Timestamp > ago(1d)",
        "T | join U on A",
        "T | where A in (externaldata(a: string) ['x'])",
    ],
)
def test_a_full_table_is_not_warned_of_what_only_windows_suffer_from(text: str) -> None:
    """What runs whole each time may well depend on the time."""
    assert kql.assess(kql.read(text), method="FULL_TABLE").problems == ()


def test_no_word_makes_a_query_run_that_cannot() -> None:
    """Several results stay several, whatever the user takes upon himself."""
    assert not kql.assess(kql.read("T | fork (take 1) (count)"), unsafe=True).ok


def test_problems_stand_in_the_order_of_the_text() -> None:
    """Whatever found them, they are read from top to bottom."""
    text = "let start = ago(1d);\nlet f = externaldata(a: string) ['x'];\nT\n| take 5\n| top 3 by a"

    verdict = kql.assess(kql.read(text))

    assert [problem.line for problem in verdict.problems] == [1, 2, 4, 5]


def test_the_same_problem_is_named_once() -> None:
    """A name used in two branches is followed twice, and its operator reported once."""
    verdict = kql.assess(kql.read("let few = T | take 5; union few, few"))

    assert [problem.operator for problem in verdict.problems] == ["take"]


def test_what_was_met_is_kept_once_however_often_a_name_is_used() -> None:
    """Each step doubles the branches, not what is known of them."""
    steps = "".join(f"let a{n} = union a{n - 1}, a{n - 1}; " for n in range(1, 60))
    query = kql.read(f"let a0 = T | take 5 | join kind=inner (U | top 3 by x) on y; {steps}a59")

    assert [problem.operator for problem in kql.assess(query).problems] == ["take"]


@pytest.mark.parametrize(
    ("text", "warned"),
    [
        pytest.param("union T, U", True, id="union"),
        pytest.param("T | union U", True, id="in-a-pipeline"),
        pytest.param("T", False, id="table"),
        pytest.param("union T, U | project-away TimeGenerated", False, id="away"),
        pytest.param("union T, U | extend TimeGenerated = Timestamp", False, id="copied"),
        pytest.param(
            "union T, U | extend TimeGenerated = coalesce(TimeGenerated, Timestamp)",
            True,
            id="the-wrong-one-filled",
        ),
    ],
)
def test_a_union_of_two_cursors_is_warned_of(text: str, *, warned: bool) -> None:
    """Rows of a table that has only the other are in no window, which only the columns can tell."""
    both = ("Timestamp", "TimeGenerated")
    away = "away" in text
    columns = [(name, "DateTime") for name in both if not (away and name == "TimeGenerated")]

    verdict = kql.assess(kql.read(text), columns=columns)

    assert verdict.ok
    assert [problem.operator for problem in verdict.problems] == ["union"] * warned
