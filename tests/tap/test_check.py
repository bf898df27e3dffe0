"""`m365hunting check --offline`: what will not work is said before anything runs."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_m365hunting.commands.display import check_lines
from tap_m365hunting.commands.report import report
from tap_m365hunting.configuration.config import RawSettings
from tap_m365hunting.instants import Instant
from tests.kql.corpus import CASES, UNREADABLE
from tests.tap.commands import CHECK, Commands

ALERTS = {"name": "alerts", "query": "AlertInfo\n| project Timestamp, AlertId"}
PORTS = {"name": "ports", "query": "DeviceNetworkEvents\n| where RemotePort > 0\n\t| top 9 by Port"}
BROKEN = {"name": "broken", "query": "DeviceEvents\n| where (ActionType"}
WINDOWED = {
    "name": "counts",
    "query": "DeviceEvents\n| where Timestamp >= window_start and Timestamp < window_end\n"
    "| summarize n = count() by ActionType",
}
SOFTWARE = {"table": "DeviceTvmSoftwareInventory"}
SETTING_OF = {"method": "replication_method", "key": "replication_key"}


@pytest.fixture
def commands(tmp_path: Path) -> Commands:
    """The command, with a folder for its settings and no service."""
    return Commands(tmp_path)


def test_offline_check_needs_no_credentials(commands: Commands) -> None:
    """A pull request can be checked where there are no secrets."""
    found = commands.check_json(ALERTS)

    assert found["ok"] is True
    assert "errors" not in found


def test_incremental_query_is_shown_as_it_would_be_sent(commands: Commands) -> None:
    """What is read in a review is what runs: the window, the probe, the count."""
    (query,) = commands.check_json(ALERTS)["queries"]

    assert (query["mode"], query["cursor"], query["problems"]) == ("incremental", "Timestamp", [])
    assert query["kql"]["window"] == (
        "let __hunt = (\nAlertInfo\n| project Timestamp, AlertId\n);\n__hunt\n"
        "| where ['Timestamp'] >= datetime(2026-01-01T00:00:00.0000000Z) "
        "and ['Timestamp'] < datetime(2026-01-02T00:00:00.0000000Z)\n"
        "| order by ['Timestamp'] asc"
    )
    assert query["kql"]["probe"].endswith("__hunt\n| take 0")
    assert "summarize __rows = count() by __bin = bin(['Timestamp'], 18s)" in query["kql"]["count"]


def test_windowed_query_is_shown_with_its_window_defined(commands: Commands) -> None:
    """The names that the query uses stand before it; nothing is appended, nothing is counted."""
    (query,) = commands.check_json(WINDOWED)["queries"]

    assert (query["mode"], query["cursor"], query["kql"]["count"]) == ("windowed", None, None)
    assert query["kql"]["window"] == (
        "let window_start = datetime(2026-01-01T00:00:00.0000000Z);\n"
        "let window_end = datetime(2026-01-02T00:00:00.0000000Z);\n" + WINDOWED["query"]
    )


def test_full_table_is_shown_as_it_stands(commands: Commands) -> None:
    """A table without time is read whole; its stream is named after it."""
    (query,) = commands.check_json(SOFTWARE)["queries"]

    assert query["name"] == "device_tvm_software_inventory"
    assert (query["mode"], query["cursor"], query["kql"]["count"]) == ("full_table", None, None)
    assert query["kql"]["window"] == "DeviceTvmSoftwareInventory"


def test_row_cap_of_the_settings_is_that_of_the_count(commands: Commands) -> None:
    """A count has fewer bins than an answer may have rows."""
    (query,) = commands.check_json(ALERTS, max_rows_per_call=100)["queries"]

    assert "bin(['Timestamp'], 15m)" in query["kql"]["count"]


def test_one_query_hides_no_other(commands: Commands) -> None:
    """A text that cannot be read is one entry among the others, each with its own verdict."""
    found = commands.check_json(ALERTS, BROKEN, PORTS, WINDOWED)

    assert [query["ok"] for query in found["queries"]] == [True, False, False, True]
    assert found["ok"] is False


def test_unreadable_text_has_a_place_and_no_mode(commands: Commands) -> None:
    """Where the text says nothing, no mode is guessed and no text is shown."""
    (query,) = commands.check_json(BROKEN)["queries"]

    assert query["mode"] is None
    assert query["kql"] == {"probe": None, "window": None, "count": None}
    assert query["problems"] == [
        {
            "severity": "error",
            "line": 2,
            "column": 9,
            "operator": None,
            "message": "'(' is never closed",
        }
    ]


def test_unfit_query_has_operator_and_place(commands: Commands) -> None:
    """The operator that would change the answer is named where it stands."""
    (query,) = commands.check_json(PORTS)["queries"]

    (problem,) = query["problems"]
    assert query["mode"] == "incremental"
    assert (problem["operator"], problem["line"], problem["column"]) == ("top", 3, 4)


def test_override_turns_the_error_into_a_warning(commands: Commands) -> None:
    """Whoever knows better may window the query all the same, and is still told."""
    found = commands.check_json({**PORTS, "unsafe_window": True})

    assert found["ok"] is True
    assert [problem["severity"] for problem in found["queries"][0]["problems"]] == ["warning"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        pytest.param({"qery": "x"}, "queries[0].qery: is no setting", id="unknown-key"),
        pytest.param({"query_file": "x"}, "queries[0].query: give one of", id="two-texts"),
        pytest.param({"name": "no-dash"}, "queries[0].name: 'no-dash' must be", id="bad-name"),
        pytest.param({"start_date": "x"}, "queries[0].start_date: 'x' is not a", id="bad-date"),
        pytest.param(
            {"replication_method": "LOG"}, "queries[0].replication_method: 'LOG'", id="no-method"
        ),
        pytest.param(
            {"replication_key": "ingestion_time"}, "queries[0].replication_key: inge", id="no-key"
        ),
        pytest.param({"primary_keys": "x"}, "queries[0].primary_keys: must be a list", id="type"),
    ],
)
def test_wrong_key_of_a_query_is_its_own_problem(
    commands: Commands, wrong: dict[str, object], said: str
) -> None:
    """A mistake in an entry stands with the query; it has no place in the text."""
    found = commands.check_json({**ALERTS, **wrong}, WINDOWED)

    (problem,) = found["queries"][0]["problems"]
    assert problem["message"].startswith(said)
    assert (problem["line"], problem["column"], problem["operator"]) == (None, None, None)
    assert found["queries"][1]["ok"] is True
    assert "errors" not in found


def test_wrong_key_hides_no_problem_of_the_text(commands: Commands) -> None:
    """Nobody should have to check twice to find two mistakes."""
    (query,) = commands.check_json({**PORTS, "qery": "x"})["queries"]

    assert [problem["operator"] for problem in query["problems"]] == [None, "top"]


def test_wrong_method_leaves_the_mode_open(commands: Commands) -> None:
    """To say how a query would be read without the setting that says so would mislead."""
    (query,) = commands.check_json({**PORTS, "replication_method": "FULL"})["queries"]

    assert query["mode"] is None
    assert len(query["problems"]) == 1


def test_name_taken_twice_is_said_of_both(commands: Commands) -> None:
    """Loaders fold case, so the two would write into one table."""
    found = commands.check_json(ALERTS, {**ALERTS, "name": "Alerts"})

    messages = [query["problems"][0]["message"] for query in found["queries"]]
    assert all("is taken twice, case aside" in message for message in messages)


def test_setting_that_is_wrong_is_an_error_beside_the_queries(commands: Commands) -> None:
    """Settings around the queries are checked too, and do not stop the look at the queries."""
    found = commands.check_json(ALERTS, lookback_minutes="60", client_secrt="S3CRET")

    assert found["errors"] == [
        "lookback_minutes: must be a whole number",
        "client_secrt: is no setting (did you mean 'client_secret'?)",
    ]
    assert found["ok"] is False
    assert found["queries"][0]["ok"] is True


@pytest.mark.parametrize("queries", [None, "AlertInfo", {}, ["AlertInfo"], [None], [[]]], ids=repr)
def test_entry_that_is_no_query_is_an_error(commands: Commands, queries: object) -> None:
    """Whatever stands in the place of the queries, it is named and nothing breaks."""
    config = commands.file({"queries": queries})

    found = commands.run("check", "--offline", "--format", "json", "--config", config).json(CHECK)

    assert found["errors"][0].startswith("queries")


def test_settings_of_the_sdk_are_known(commands: Commands) -> None:
    """A config with stream maps works in the tap, so it is right here as well."""
    assert commands.check(ALERTS, stream_maps={}, flattening_enabled=True).status == 0


def test_api_that_ends_is_warned_of(commands: Commands) -> None:
    """The Defender API stops returning data on a known day; that is no error yet."""
    found = commands.check_json(ALERTS, api="defender")

    assert found["ok"] is True
    assert "2027-02-01" in found["warnings"][0]


def test_null_is_the_same_as_not_given(commands: Commands) -> None:
    """Meltano writes null for a setting without a value."""
    entry = {**ALERTS, "primary_keys": None, "start_date": None, "table": None}

    assert commands.check(entry, start_date=None, api_url=None).status == 0


@pytest.mark.parametrize(
    ("queries", "status"),
    [
        pytest.param([ALERTS], 0, id="fit"),
        pytest.param([{"name": "q", "query": "T | where Timestamp > ago(1d)"}], 0, id="warning"),
        pytest.param([ALERTS, PORTS], 1, id="unfit"),
        pytest.param([BROKEN], 1, id="unreadable"),
    ],
)
def test_exit_status_is_1_if_anything_is_an_error(
    commands: Commands, queries: list[dict[str, str]], status: int
) -> None:
    """A pipeline can stop a change that would not work; a warning stops nothing."""
    assert commands.check(*queries).status == status


def test_text_quotes_the_line_with_carets_and_the_way_out(commands: Commands) -> None:
    """A person sees the verdict, the place and what to do, without opening the query."""
    ran = commands.check(ALERTS, PORTS)

    assert ran.output == (
        "ok     alerts  incremental  Timestamp\n"
        "error  ports   incremental  Timestamp\n"
        "         3:4 error: 'top' ranks the rows of all time, and only then would the window be "
        "applied, so\n"
        "         most windows would come back empty. Remove it; or bound the rows before it with "
        "`| where\n"
        "         Timestamp >= window_start and Timestamp < window_end`, names that the tap then "
        "defines\n"
        "         (WINDOWED); or set replication_method to FULL_TABLE to read the whole result in "
        "each run\n"
        "              | top 9 by Port\n"
        "                ^^^\n"
        "2 queries: 1 ok, 0 with warnings, 1 with errors\n"
    )


def test_text_shows_the_kql_on_request(commands: Commands) -> None:
    """The texts are long, so they are shown if wanted."""
    config = commands.file({"queries": [SOFTWARE]})

    ran = commands.run("check", "--offline", "--kql", "--config", config)

    assert ran.output == (
        "ok  device_tvm_software_inventory  full_table\n"
        "         probe:\n"
        "             let __hunt = (\n"
        "             DeviceTvmSoftwareInventory\n"
        "             );\n"
        "             __hunt\n"
        "             | take 0\n"
        "         window:\n"
        "             DeviceTvmSoftwareInventory\n"
        "1 query: 1 ok, 0 with warnings, 0 with errors\n"
    )


def test_long_line_is_quoted_around_the_place(commands: Commands) -> None:
    """Queries from generators have lines of a thousand characters."""
    text = f"DeviceEvents | where FileName in ({', '.join(['1'] * 500)}) | top 5 by FileName"

    ran = commands.check({"name": "q", "query": text})

    quote, carets = ran.output.splitlines()[-3:-1]
    assert quote.strip().startswith("…")
    assert quote[carets.index("^") : carets.rindex("^") + 1] == "top"


def test_text_moves_no_cursor_and_breaks_on_no_character(commands: Commands) -> None:
    """A query may hold anything; the terminal gets what can be printed."""
    ran = commands.check({"name": "q\u001b[2J\ud800", "query": "T\u001b[2J \ud800 | take 5"})

    assert "\u001b" not in ran.output
    assert ran.status == 1


def test_settings_in_text_go_to_stderr(commands: Commands) -> None:
    """What is wrong around the queries does not get lost between them."""
    ran = commands.check(ALERTS, lookback_minutes="60")

    assert ran.errors == "Error: lookback_minutes: must be a whole number\n"
    assert ran.status == 1


def test_later_file_wins_and_keeps_what_it_does_not_say(commands: Commands) -> None:
    """A file of what differs between environments comes after the file of what does not."""
    one = commands.file({"queries": [PORTS], "api": "defender"}, "one.json")
    two = commands.file({"queries": [ALERTS]}, "two.json")

    ran = commands.run("check", "--offline", "--format", "json", "--config", one, "--config", two)

    found = ran.json(CHECK)
    assert [query["name"] for query in found["queries"]] == ["alerts"]
    assert "warnings" in found


def test_environment_wins_wherever_it_is_named(commands: Commands) -> None:
    """As in the tap, files are merged first, then come the variables."""
    config = commands.file({"queries": [PORTS]})

    ran = commands.run(
        "check", "--offline", "--format", "json", "--config", "ENV", "--config", config,
        TAP_M365HUNTING_QUERIES=json.dumps([ALERTS]),
    )  # fmt: skip

    assert [query["name"] for query in ran.json(CHECK)["queries"]] == ["alerts"]


def test_environment_is_not_read_unless_named(commands: Commands) -> None:
    """A variable that lies around changes nothing."""
    config = commands.file({"queries": [ALERTS]})

    ran = commands.run("check", "--offline", "--config", config, TAP_M365HUNTING_API="nonsense")

    assert ran.status == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(None, "No such file or directory", id="missing"),
        pytest.param("{", "is not JSON", id="no-json"),
        pytest.param("[]", "must hold an object", id="no-object"),
        pytest.param(b"\xff", "is not UTF-8 text", id="no-text"),
    ],
)
def test_config_that_cannot_be_read_is_named(
    commands: Commands, tmp_path: Path, text: str | bytes | None, said: str
) -> None:
    """One line says which file, and why."""
    file = tmp_path / "config.json"
    if text is not None:
        file.write_bytes(text.encode() if isinstance(text, str) else text)

    ran = commands.run("check", "--offline", "--config", str(file))

    assert ran.status == 1
    assert "config.json" in ran.errors
    assert said in ran.errors


def test_environment_that_cannot_be_read_is_named(commands: Commands) -> None:
    """A variable that is no number is a mistake in the settings, not in the program."""
    ran = commands.run(
        "check", "--offline", "--config", "ENV", TAP_M365HUNTING_LOOKBACK_MINUTES="soon"
    )

    assert ran.status == 1
    assert "TAP_M365HUNTING_" in ran.errors


@pytest.mark.parametrize("secret", [{"value": "S3CRET"}, ["S3CRET"], "S3CRET"], ids=repr)
def test_secret_is_never_printed(commands: Commands, secret: object) -> None:
    """Not even where it has the wrong type."""
    ran = commands.check(ALERTS, client_secret=secret)

    assert "S3CRET" not in ran.output + ran.errors


def test_version_is_said(commands: Commands) -> None:
    """A report of a mistake begins with it."""
    assert commands.run("--version").output.startswith("m365hunting, version ")


def test_known_queries_are_reported_as_the_tap_reads_them() -> None:
    """Mode, cursor and verdict are those by which the tap will go."""
    queries = [
        {
            "name": f"q{number}",
            "query": case.text,
            "unsafe_window": case.unsafe,
            **{SETTING_OF[key]: value for key, value in case.settings.items() if key in SETTING_OF},
        }
        for number, case in enumerate(CASES)
    ]

    found = _report(queries)["queries"]

    assert [(query["mode"], query["cursor"], query["ok"]) for query in found] == [
        (case.mode, case.cursor, not any(problem[0] == "error" for problem in case.problems))
        for case in CASES
    ]
    assert all(query["kql"]["probe"] and query["kql"]["window"] for query in found if query["ok"])


def test_texts_that_cannot_be_read_are_all_reported() -> None:
    """Each is one entry, with one problem and its place."""
    queries = [{"name": f"q{i}", "query": text} for i, (_, _, text) in enumerate(UNREADABLE)]

    found = _report(queries)["queries"]

    assert len(found) == len(UNREADABLE)
    assert all(query["problems"][0]["message"] for query in found)


_PIECES = st.sampled_from(
    ["|", "(", ")", "let x =", ";", "summarize", "by", "union", "join kind=", "window_start",
     "window_end", "bin(Timestamp, 1h)", "ago(", "```", "'", '"', "\\", "{", "}", "[", "\n", "//",
     "as", "invoke", "mv-apply", "on", "T", "Timestamp", "\u2028", "\ud800", "\x00", "..",
     "datetime(", "evaluate", "(a:int){", "externaldata(", "toscalar(", "partition", "fork"]
)  # fmt: skip


@given(text=st.lists(_PIECES | st.text(max_size=3), max_size=30).map(" ".join))
def test_any_text_gets_a_report(text: str) -> None:
    """No text breaks the command: whatever is wrong with it is a problem with a place."""
    found = _report([{"name": "q", "query": text}, ALERTS])

    assert found["queries"][1]["ok"] is True
    json.dumps(found).encode()


def _report(queries: Sequence[Mapping[str, object]]) -> Any:  # noqa: ANN401 - JSON
    found = report(RawSettings.read({"queries": queries}, online=False), now=Instant(0))
    "\n".join(check_lines(found, show_kql=True)).encode()
    return found.to_json()
