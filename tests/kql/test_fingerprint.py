"""A fingerprint changes with what a query says, and with nothing else."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_m365hunting import kql
from tap_m365hunting.kql import Mode
from tap_m365hunting.kql.fingerprint import fingerprint
from tap_m365hunting.kql.tokens import TokenKind, tokens
from tests.kql.corpus import CASES

QUERY = """let tools = dynamic(["psexec.exe", 'a  b']);
DeviceProcessEvents // all of them
| where Timestamp > datetime(2026-01-01) and FileName in~ (tools)
| project-away ReportId
"""


def of(text: str, mode: Mode = Mode.INCREMENTAL) -> str:
    """Return the fingerprint of a text."""
    return fingerprint(kql.read(text), mode)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("// all of them", "// some", id="comment"),
        pytest.param(" // all of them", "", id="no-comment"),
        pytest.param("\n", "\r\n", id="line-ends"),
        pytest.param(")\n|", ") |", id="joined-lines"),
        pytest.param("| where", "|\n\n  where", id="blank-lines"),
        pytest.param("ReportId\n", "ReportId;\n", id="trailing-semicolon"),
        pytest.param("ReportId\n", "ReportId\n| render table", id="render"),
    ],
)
def test_what_the_service_never_sees_may_change(old: str, new: str) -> None:
    """A tidied text reads the same rows, so its bookmark stays good."""
    assert of(QUERY.replace(old, new)) == of(QUERY)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("psexec.exe", "paexec.exe", id="value-in-a-let"),
        pytest.param("'a  b'", "'a b'", id="space-in-a-string"),
        pytest.param("psexec", "PsExec", id="case-in-a-string"),
        pytest.param("2026-01-01", "2026-01-02", id="date"),
        pytest.param("in~", "!in~", id="operator"),
        pytest.param("and FileName", "// and FileName", id="commented-out"),
        pytest.param("\n| project-away ReportId", "", id="no-last-stage"),
        pytest.param("DeviceProcessEvents", "deviceprocessevents", id="case-of-a-name"),
    ],
)
def test_what_the_service_reads_may_not(old: str, new: str) -> None:
    """Another text may have had other rows before the bookmark."""
    assert of(QUERY.replace(old, new)) != of(QUERY)


def test_modes_have_fingerprints_of_their_own() -> None:
    """The same text read in another way has other rows."""
    assert len({of(QUERY, mode) for mode in Mode}) == len(Mode)


@given(spaces=st.lists(st.sampled_from([" ", "\n", "\t", " // x\n", "\r\n\r\n"]), min_size=60))
def test_any_space_between_tokens_is_one(spaces: list[str]) -> None:
    """Wherever there is space, any other will do."""
    filler = iter(spaces)

    def spaced() -> Iterator[str]:
        for token in tokens(QUERY):
            yield token.text if token.is_code else next(filler)

    assert of("".join(spaced())) == of(QUERY)


@pytest.mark.parametrize(
    "text",
    [QUERY, *(case.text for case in CASES)],
    ids=["sample", *(case.name for case in CASES)],
)
def test_any_other_token_is_another_query(text: str) -> None:
    """No token that is sent is left out."""
    query = kql.read(text)
    sent = [span for spans in (query.leading, (query.final,)) for span in spans]
    names = [
        token
        for span in sent
        for token in query.tokens[span.start + 1 : span.end]
        if token.kind is TokenKind.NAME
    ]

    others = {of(f"{text[: token.start]}other{text[token.end :]}") for token in names}

    assert of(text) not in others
    assert len(others) == len(names)
