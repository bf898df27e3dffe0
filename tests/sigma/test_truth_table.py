"""A Sigma rule finds the rows that it says, and no others; a rule that cannot is refused."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hunting_emulator.engine import Engine
from hunting_emulator.tables import CATALOG
from tap_m365hunting import kql
from tap_m365hunting.configuration.sigma import to_kql
from tests.kql.microsoft import Parser, started, why_not
from tests.sigma.truth import ROWS, RULES, UNRUN
from tests.tap.commands import Commands
from tests.tap.harness import Tenant, at
from tests.tap.test_config import wrong_query

pytest.importorskip("sigma.backends.kusto", reason="the extra sigma is not installed")

FINDING = [rule for rule in RULES if not rule[4].startswith("!")]
REFUSED = [rule for rule in RULES if rule[4].startswith("!")]


def text_of(category: str, detections: str, condition: str) -> str:
    """Write a rule."""
    return (
        f"title: A rule\nlogsource:\n  category: {category}\n  product: windows\n"
        f"detection:\n  {detections}\n  condition: {condition}\n"
    )


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """The rows of the table of truth, a minute apart."""
    made = Engine(tables=[CATALOG[name] for name in ROWS])
    for table, rows in ROWS.items():
        times = (f"2026-03-01T00:{n:02}:00.0000000Z" for n in range(60))
        made.load(table, [{"Timestamp": at, **row} for at, row in zip(times, rows, strict=False)])
    yield made
    made.close()


@pytest.fixture(scope="module")
def parser() -> Iterator[Parser]:
    """Microsoft's own parser."""
    if reason := why_not():
        pytest.skip(reason)
    with started() as running:
        yield running


@pytest.mark.parametrize(
    ("category", "detections", "condition", "expected"),
    [pytest.param(*rule[1:], id=rule[0]) for rule in FINDING],
)
def test_rule_finds_its_rows(
    engine: Engine, category: str, detections: str, condition: str, expected: str
) -> None:
    """No fewer rows, and no more."""
    text = to_kql(text_of(category, detections, condition))

    found = engine.run(f"{text}\n| project DeviceName", now="2026-03-02T00:00:00Z")

    names = [str(name) for (name,) in found.rows()]
    assert sorted(names) == sorted(expected.split()), text


@pytest.mark.parametrize(
    ("category", "detections", "condition", "expected"),
    [pytest.param(*rule[1:], id=rule[0]) for rule in REFUSED],
)
def test_rule_that_rows_cannot_be_held_against_is_refused(
    category: str, detections: str, condition: str, expected: str
) -> None:
    """One line names the reason; a rule that means less, or more, is never read."""
    with pytest.raises(ValueError, match=r"\S") as refused:
        to_kql(text_of(category, detections, condition))

    assert expected.removeprefix("!") in str(refused.value)
    assert "\n" not in str(refused.value)


def test_microsofts_parser_takes_every_rule(parser: Parser) -> None:
    """Names, types and functions are the service's."""
    texts = [to_kql(text_of(*rule[1:4])) for rule in [*FINDING, *UNRUN]]

    assert [(text, said) for text in texts if (said := parser.complaints(text))] == []


def test_every_rule_is_read_by_windows() -> None:
    """None of them limits or sums up rows."""
    verdicts = [kql.assess(kql.read(to_kql(text_of(*rule[1:4])))) for rule in FINDING]

    assert {(verdict.mode, verdict.problems) for verdict in verdicts} == {
        (kql.Mode.INCREMENTAL, ())
    }


def test_wrong_rules_are_refused_by_file_and_stop_no_others(tenant: Tenant, tmp_path: Path) -> None:
    """A folder of rules is as many streams as there are rules that can be read; the run fails."""
    names = ("plain", "imphash", "re-lookahead", "keyword")
    for name, *rule, _ in RULES:
        if name in names:
            (tmp_path / f"{name}.yml").write_text(text_of(*rule), "utf-8")
    tenant.emulator.engine.load(
        "DeviceProcessEvents",
        [{"Timestamp": at(hours=1), **row} for row in ROWS["DeviceProcessEvents"]],
    )

    run = tenant.sync({"sigma_rule": str(tmp_path)}, {"name": "alerts", "query": "AlertInfo"})

    assert [row["DeviceName"] for row in run.records("plain")] == ["cmd"]
    assert run.schemas("alerts")
    assert set(run.failed) == {"imphash", "re_lookahead", "keyword"}
    assert all(
        f"{name.replace('_', '-')}.yml: The rule cannot" in said
        for name, said in run.failed.items()
    )


def test_check_names_each_wrong_rule_beside_those_that_are_right(tmp_path: Path) -> None:
    """By the file, and the status is 1."""
    for name, *rule, _ in RULES:
        (tmp_path / f"{name}.yml").write_text(text_of(*rule), "utf-8")

    found = Commands(tmp_path).check_json({"sigma_rule": str(tmp_path)})

    wrong = {query["name"] for query in found["queries"] if not query["ok"]}
    assert wrong == {rule[0].replace("-", "_") for rule in REFUSED}
    assert len(found["queries"]) == len(RULES)
    assert not found["ok"]


def test_rules_that_are_all_refused_stop_the_run(tmp_path: Path) -> None:
    """There is nothing to read."""
    (tmp_path / "imphash.yml").write_text("- a", "utf-8")

    (said,) = wrong_query(sigma_rule=str(tmp_path))

    assert "imphash.yml: A Sigma rule is one YAML document" in said
