"""Texts that are no KQL are named for what they are, with the place, before any call."""

import pytest

from tap_m365hunting import kql
from tap_m365hunting.errors import QueryTextError


@pytest.mark.parametrize(
    ("text", "words", "place"),
    [
        pytest.param("/* all */ AlertInfo", "no /* */ comments; write //", (1, 1), id="c-comment"),
        pytest.param("AlertInfo\n/* a\n*/| take 1", "no /* */ comments", (2, 1), id="c-lines"),
        pytest.param("-- all\nAlertInfo", "no -- comments; write //", (1, 1), id="sql-comment"),
        pytest.param("AlertInfo\n  -- all", "no -- comments", (2, 3), id="sql-comment-below"),
        pytest.param("AlertInfo\\n| where x > 1", "holds \\n as two characters", (1, 10), id="\\n"),
        pytest.param("AlertInfo \\ | count", "A backslash stands outside", (1, 11), id="backslash"),
        pytest.param("AlertInfo | where x &gt; 1", "&gt; is an HTML entity", (1, 21), id="&gt;"),
        pytest.param("T | where x == &quot;a&quot;", "&quot; is an HTML", (1, 16), id="&quot;"),
        pytest.param("AlertInfo | WHERE x > 1", "lower case in KQL: where", (1, 13), id="WHERE"),
        pytest.param("T | Project x", "lower case in KQL: project", (1, 5), id="Project"),
        pytest.param(
            "T | where x == \u201ca\u201d", "is a typographer's quote", (1, 16), id="quotes"
        ),
        pytest.param(
            "T | where x == \u2018a\u2019", "is a typographer's quote", (1, 16), id="single"
        ),
        pytest.param("A | where x\n\nB | where y", "A second query starts", (3, 1), id="two"),
        pytest.param("A | where f(x)\n  \nB", "A second query starts", (3, 1), id="two-bare"),
        pytest.param("// all AlertInfo | where x", "joined into one, as YAML", (1, 1), id="folded"),
    ],
)
def test_text_that_is_no_kql_is_named(text: str, words: str, place: tuple[int, int]) -> None:
    """The first sign of it, and how KQL writes it."""
    with pytest.raises(QueryTextError) as refused:
        kql.read(text)

    assert words in str(refused.value)
    assert (refused.value.line, refused.value.column) == place


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("T | where x == '/* a */ -- &gt; \u201c \\n WHERE'", id="in-text"),
        pytest.param("T // /* a */ -- &gt; \u201c \\n | WHERE", id="in-comment"),
        pytest.param("T | where a == 5 --3", id="minus-minus"),
        pytest.param("T\n| extend y = 4\n    -3", id="minus-on-a-line"),
        pytest.param("T\n\n| where x\n\n| take 1", id="blank-lines-between-stages"),
        pytest.param("T | where x\n\nand y", id="blank-line-in-a-stage"),
        pytest.param("T | summarize count()\n\nby X", id="by"),
        pytest.param("union\n\nA,\n\nB", id="union"),
        pytest.param("let a = A;\n\nB | where x", id="statements"),
        pytest.param("T | join (\n\nB | take 1) on x", id="in-brackets"),
        pytest.param("T | project Where, Count", id="columns"),
        pytest.param("union\n\nA", id="union-of-one"),
        pytest.param("T | where x and\n\nY", id="behind-an-operator"),
    ],
)
def test_kql_is_left_alone(text: str) -> None:
    """What looks so in a text, a comment, or a calculation is meant."""
    assert kql.read(text).text == text
