"""`m365hunting check` with the service: what only it can tell, without fetching a row."""

from pathlib import Path
from typing import Any

import pytest

from tests.tap.commands import CHECK, Commands, Ran
from tests.tap.harness import Tenant, at

ALERTS = {"name": "alerts", "query": "AlertInfo\n| project Timestamp, AlertId, Title"}


class Checked:
    """A tenant, and the command aimed at it."""

    def __init__(self, tenant: Tenant, folder: Path) -> None:
        self.tenant = tenant
        self.emulator = tenant.emulator
        self.commands = Commands(folder, tenant.emulator)

    def run(self, *queries: dict[str, Any], form: str = "json", **settings: Any) -> Ran:  # noqa: ANN401 - JSON
        """Check queries with the service."""
        config = self.commands.file(self.tenant.config(*queries, **settings))
        return self.commands.run("check", "--format", form, "--config", config)

    def json(self, *queries: dict[str, Any], **settings: Any) -> Any:  # noqa: ANN401 - JSON
        """Return what was found."""
        return self.run(*queries, **settings).json(CHECK)

    def load(self, rows: int, *, before: int = 0, **values: object) -> None:
        """Put alerts into the last days, one an hour, some minutes before the full hour."""
        ids = (f"da{i}" if not before else f"da{i}-{before}" for i in range(rows))
        self.emulator.engine.load(
            "AlertInfo",
            [
                {"Timestamp": at(hours=1 + i, minutes=before), "AlertId": name, **values}
                for i, name in enumerate(ids)
            ],
        )


@pytest.fixture
def checked(tenant: Tenant, tmp_path: Path) -> Checked:
    """A tenant without data, and the command aimed at it."""
    return Checked(tenant, tmp_path)


@pytest.mark.parametrize("api", ["graph", "defender"])
def test_columns_key_and_size_are_told(checked: Checked, api: str) -> None:
    """What the service knows of the result: its columns, its key, how much of it there is."""
    checked.load(24 * 7)

    found = checked.json(ALERTS, api=api)

    (query,) = found["queries"]
    assert found["ok"] is True
    assert [column["name"] for column in query["columns"]] == ["Timestamp", "AlertId", "Title"]
    assert query["columns"][0]["type"].lower() == "datetime"
    assert query["key"] == ["_row_id"]
    assert query["rows_a_day"] == 24
    # a day, and the hour of the lookback
    assert query["rows_a_run"] == 25
    assert (query["calls_a_run"], query["minutes_a_run"]) == (1, 0.05)


def test_calls_a_run_follow_from_rows_and_row_cap(checked: Checked) -> None:
    """A run that does not fit into one answer is predicted as the planner would cut it."""
    checked.load(24 * 7)

    (query,) = checked.json(ALERTS, max_rows_per_call=24)["queries"]

    assert query["calls_a_run"] == 2


def test_no_row_is_fetched(checked: Checked) -> None:
    """A check costs a probe and two counts a query; rows stay where they are."""
    checked.load(24)

    checked.run(ALERTS)

    texts = [call.query for call in checked.emulator.calls]
    assert len(texts) == 3
    assert texts[0].endswith("| take 0")
    assert all("summarize __rows = count" in text for text in texts[1:])


def test_token_and_permission_are_said_to_be_good(checked: Checked) -> None:
    """Who asks what is named, so that nobody checks the wrong tenant."""
    found = checked.json(ALERTS)

    assert found["access"] == (
        f"Token and permission are good: Microsoft Graph, tenant {checked.emulator.tenant_id}"
    )


def test_wrong_secret_is_one_error_and_keeps_the_offline_verdicts(checked: Checked) -> None:
    """Without a token nothing can be asked, but what was found in the texts stands."""
    found = checked.json(ALERTS, client_secret="S3CRET")

    assert found["ok"] is False
    assert found["errors"][0].startswith("No token for tenant")
    assert "S3CRET" not in str(found)
    assert found["queries"][0]["mode"] == "incremental"
    assert "access" not in found


def test_missing_permission_is_named(checked: Checked) -> None:
    """The message says which permission, and where it is granted."""
    checked.emulator.fail_next(403)

    (error,) = checked.json(ALERTS, ALERTS | {"name": "more"})["errors"]

    assert "ThreatHunting.Read.All" in error
    assert len(checked.emulator.calls) == 1


def test_refusal_of_one_query_is_its_own_once_another_was_answered(checked: Checked) -> None:
    """Where the token has worked, what is missing is a licence for this table."""
    checked.emulator.fail_next(403, when="DeviceInfo")

    found = checked.json(ALERTS, {"table": "DeviceInfo"})

    assert [query["ok"] for query in found["queries"]] == [True, False]
    assert "errors" not in found


def test_service_that_fails_is_the_error_of_each_query(checked: Checked) -> None:
    """It says nothing of the token, so nothing is said of it."""
    checked.emulator.fail_next(500, times=None)

    found = checked.json(ALERTS)

    assert found["ok"] is False
    assert "answered 500" in found["queries"][0]["problems"][0]["message"]
    assert "access" not in found
    assert checked.commands.slept != []


def test_table_without_licence_is_the_query_s_problem(checked: Checked) -> None:
    """A table that the tenant does not have is found before a run fails on it."""
    found = checked.json(ALERTS, {"name": "no_table", "query": "\nNoSuchTable\n| where true"})

    assert [query["ok"] for query in found["queries"]] == [True, False]
    (problem,) = found["queries"][1]["problems"]
    assert "the tenant may lack the licence" in problem["message"]


def test_refused_syntax_is_quoted_at_the_user_s_line(checked: Checked) -> None:
    """The service counts lines in the text that was sent; the report, in the user's own."""
    said = "A recognition error occurred. [line:position=3:15]. Fix syntax errors in your query."
    checked.emulator.fail_next(400, body={"error": {"code": "BadRequest", "message": said}})

    found = checked.json({"name": "q", "query": "\n\nAlertInfo\n| where Title === 'x'"})

    (problem,) = found["queries"][0]["problems"]
    assert problem["line"] == 4


def test_cursor_is_found_in_the_result(checked: Checked) -> None:
    """The text of a whole table does not name its columns; the service does."""
    found = checked.json({"table": "AlertInfo"}, {"table": "DeviceTvmSoftwareInventory"})

    assert [query["cursor"] for query in found["queries"]] == ["Timestamp", None]
    assert [query["mode"] for query in found["queries"]] == ["incremental", "full_table"]


@pytest.mark.parametrize(
    ("rows", "counted", "said"),
    [
        pytest.param([], [None, 0, 0], "ReportId; set primary_keys to use it", id="no-rows"),
        pytest.param(["a", "b"], [True, 2, 2], "ReportId, unique in 2 rows; set", id="key"),
        pytest.param(["a", "b", "a"], [False, 3, 2], "no key: 3 rows have 2", id="repeated"),
    ],
)
def test_documented_identity_of_a_table_is_offered(
    checked: Checked, rows: list[str], counted: list[int | None], said: str
) -> None:
    """What the documentation calls unique is counted before anyone relies on it."""
    checked.emulator.engine.load(
        "EmailEvents", [{"Timestamp": at(hours=2 + i), "ReportId": r} for i, r in enumerate(rows)]
    )

    (query,) = checked.json({"table": "EmailEvents"})["queries"]
    text = checked.run({"table": "EmailEvents"}, form="text").output

    identity = query["identity"]
    assert identity["columns"] == ["ReportId"]
    assert [identity[name] for name in ("unique", "rows", "keys")] == counted
    assert query["key"] == ["_row_id"]
    assert said in " ".join(text.split())


@pytest.mark.parametrize(
    "query",
    [
        pytest.param({"table": "EmailEvents", "primary_keys": ["ReportId"]}, id="has-a-key"),
        pytest.param({"table": "AlertEvidence"}, id="none-documented"),
        pytest.param({"name": "q", "query": "EmailEvents | where true"}, id="no-whole-table"),
    ],
)
def test_identity_is_offered_where_there_is_one_to_choose(
    checked: Checked, query: dict[str, Any]
) -> None:
    """It costs no call where it is not offered; a key that is configured is counted itself."""
    (found,) = checked.json(query)["queries"]

    assert "identity" not in found
    assert len(checked.emulator.calls) == 3 + ("primary_keys" in query)


@pytest.mark.parametrize(
    ("an_hour", "row_cap", "counted"),
    [
        pytest.param(1, 10, 10, id="as-many-as-an-answer-may-hold"),
        pytest.param(1, 100_000, 24 * 7, id="of-days-that-have-few"),
        pytest.param(60, 100_000, 60 * 24, id="of-a-day"),
    ],
)
def test_identity_is_counted_in_the_newest_rows(
    checked: Checked, an_hour: int, row_cap: int, counted: int
) -> None:
    """A count of all could be refused, and a day of a quiet table may have no row at all."""
    for minute in range(an_hour):
        checked.load(24 * 7, before=minute)

    (found,) = checked.json({"table": "AlertInfo"}, max_rows_per_call=row_cap)["queries"]

    assert found["identity"]["rows"] == pytest.approx(counted, abs=an_hour)


def test_identity_that_cannot_be_counted_is_offered_all_the_same(checked: Checked) -> None:
    """The check goes on; the offer says of no rows that they keep to it."""
    checked.load(24)
    checked.emulator.fail_next("preempted", when="__keys", times=None)

    (query,) = checked.json({"table": "AlertInfo"})["queries"]

    assert query["identity"] == {
        "columns": ["AlertId"],
        "unique": None,
        "rows": None,
        "keys": None,
    }
    assert (query["problems"], query["calls_a_run"]) == ([], 1)


def test_identity_with_nulls_is_no_key(checked: Checked) -> None:
    """A run with such a key would fail on the first of them."""
    checked.emulator.engine.load(
        "DeviceInfo",
        [{"Timestamp": at(hours=2), "DeviceName": "d", "ReportId": n} for n in (1, 2, None)],
    )

    text = checked.run({"table": "DeviceInfo"}, form="text").output

    assert "Timestamp, DeviceName, ReportId, but no key: null in 1 of 3 rows\n" in text


def test_key_that_the_result_lacks_is_an_error(checked: Checked) -> None:
    """A run would fail on it; nothing is counted for such a query."""
    (query,) = checked.json(ALERTS | {"primary_keys": ["AlertId", "Nope"]})["queries"]

    assert query["problems"][0]["message"] == "primary_keys: the result has no column Nope"
    assert query["rows_a_day"] is None
    assert len(checked.emulator.calls) == 1


def test_cursor_that_the_result_lacks_is_an_error(checked: Checked) -> None:
    """A replication key is held against the columns, which the text alone does not tell."""
    (query,) = checked.json({"table": "AlertInfo", "replication_key": "Nope"})["queries"]

    assert query["ok"] is False
    assert "no datetime column Nope" in query["problems"][0]["message"]


def test_rows_without_a_cursor_are_warned_of(checked: Checked) -> None:
    """No window holds them, so a run would never read them, and not say so."""
    checked.load(3)
    text = "AlertInfo | extend Closed = iff(AlertId == 'da1', datetime(null), Timestamp)"

    (query,) = checked.json({"name": "q", "query": text, "replication_key": "Closed"})["queries"]

    assert query["ok"] is True
    assert any("Rows without a Closed: 1." in problem["message"] for problem in query["problems"])


def test_full_table_is_counted_whole(checked: Checked) -> None:
    """A table without time has no rows a day; every run reads all of it."""
    checked.emulator.engine.load(
        "DeviceTvmSoftwareInventory", [{"DeviceId": str(i)} for i in range(30)]
    )

    (query,) = checked.json({"table": "DeviceTvmSoftwareInventory"}, max_rows_per_call=20)[
        "queries"
    ]

    assert (query["rows_a_day"], query["rows_a_run"]) == (None, 30)
    # the first answer is full; then a count, and hash parts
    assert query["calls_a_run"] > 3


def test_windowed_query_is_counted_for_a_day(checked: Checked) -> None:
    """The rows of an aggregate depend on its window; a day's are told."""
    checked.load(48, Severity="High")
    text = (
        "AlertInfo | where Timestamp >= window_start and Timestamp < window_end "
        "| summarize count() by AlertId"
    )

    (query,) = checked.json({"name": "q", "query": text})["queries"]

    assert (query["mode"], query["rows_a_day"]) == ("windowed", 24)


def test_count_that_is_too_costly_is_asked_for_in_halves(checked: Checked) -> None:
    """What the service cannot count at once, it can count in parts."""
    checked.load(24 * 7)
    checked.emulator.fail_next(504, when="bin(")

    (query,) = checked.json(ALERTS)["queries"]

    assert query["rows_a_day"] == 24
    assert sum("bin(" in call.query for call in checked.emulator.calls) == 3


def test_count_that_is_never_answered_is_a_warning(checked: Checked) -> None:
    """Without a count nothing is predicted; the query may still run, window by window."""
    checked.emulator.fail_next(504, when="bin(", times=None)

    (query,) = checked.json(ALERTS)["queries"]

    assert query["ok"] is True
    assert query["problems"][0]["severity"] == "warning"
    assert "could not be counted" in query["problems"][0]["message"]
    assert query["calls_a_run"] is None
    # the whole, a half, a quarter, an eighth, a sixteenth
    assert sum("bin(" in call.query for call in checked.emulator.calls) == 5


def test_unfit_query_costs_no_call(checked: Checked) -> None:
    """What the text tells is told without the service."""
    found = checked.json({"name": "q", "query": "AlertInfo | take 5"})

    assert found["ok"] is False
    assert checked.emulator.calls == ()


def test_wrong_settings_cost_no_call(checked: Checked) -> None:
    """Online, credentials must be there; what is missing is said before any call."""
    config = checked.commands.file({"queries": [ALERTS]})

    ran = checked.commands.run("check", "--format", "json", "--config", config)

    assert any(line.startswith("tenant_id: is required") for line in ran.json(CHECK)["errors"])
    assert ran.status == 1
    assert checked.emulator.calls == ()


def test_text_tells_rows_calls_and_columns(checked: Checked) -> None:
    """For a person: how much, what it costs, and what the columns are."""
    checked.load(24 * 7)

    ran = checked.run(ALERTS, form="text")

    assert ran.output == (
        "ok  alerts  incremental  Timestamp\n"
        "         24 rows a day; a daily run: 25 rows, 1 call, 0.1 min\n"
        "         key: _row_id\n"
        "         3 columns: Timestamp DateTime, AlertId String, Title String\n"
        "Token and permission are good: Microsoft Graph, tenant "
        f"{checked.emulator.tenant_id}\n"
        "1 query: 1 ok, 0 with warnings, 0 with errors\n"
    )
