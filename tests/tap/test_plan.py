"""`m365hunting plan`: what the next run would do, told without doing it."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.tap.commands import PLAN, Commands, Ran
from tests.tap.harness import HOUR, NOW, Tenant, at

ALERTS = {"name": "alerts", "query": "AlertInfo\n| project Timestamp, AlertId, Title"}
SOFTWARE = {"table": "DeviceTvmSoftwareInventory"}
COUNTS = {
    "name": "counts",
    "query": "AlertInfo | where Timestamp >= window_start and Timestamp < window_end "
    "| summarize count() by AlertId",
}


class Planned:
    """A tenant, and the command aimed at it."""

    def __init__(self, tenant: Tenant, folder: Path) -> None:
        self.tenant = tenant
        self.emulator = tenant.emulator
        self.commands = Commands(folder, tenant.emulator)

    def run(self, *queries: dict[str, Any], state: object = None, **settings: Any) -> Ran:  # noqa: ANN401 - JSON
        """Plan for people."""
        return self.commands.run("plan", *self._files(queries, state, settings))

    def with_catalog(self, catalog: object, *queries: dict[str, Any]) -> Ran:
        """Plan for programs a run with a catalog."""
        files = ["--catalog", self.commands.file(catalog, "catalog.json")]
        return self.commands.run(
            "plan", "--format", "json", *files, *self._files(queries, None, {})
        )

    def json(self, *queries: dict[str, Any], state: object = None, **settings: Any) -> Any:  # noqa: ANN401 - JSON
        """Plan for programs."""
        files = self._files(queries, state, settings)
        return self.commands.run("plan", "--format", "json", *files).json(PLAN)

    def stream(self, query: dict[str, Any], **settings: Any) -> Any:  # noqa: ANN401 - JSON
        """Plan one query."""
        (stream,) = self.json(query, **settings)["streams"]
        return stream

    def load(self, rows: int, *, every: timedelta = HOUR) -> None:
        """Put alerts into the last days, the newest an hour ago."""
        alerts = [
            {"Timestamp": at(seconds=(HOUR + i * every).total_seconds()), "AlertId": f"da{i}"}
            for i in range(rows)
        ]
        self.emulator.engine.load("AlertInfo", alerts)

    def _files(self, queries: Any, state: object, settings: dict[str, Any]) -> list[str]:  # noqa: ANN401 - JSON
        config = self.commands.file(self.tenant.config(*queries, **settings))
        saved = [] if state is None else ["--state", self.commands.file(state, "state.json")]
        return ["--config", config, *saved]


@pytest.fixture
def planned(tenant: Tenant, tmp_path: Path) -> Planned:
    """A tenant without data, and the command aimed at it."""
    return Planned(tenant, tmp_path)


def test_first_run_is_planned_from_retention_to_now(planned: Planned) -> None:
    """One call for the columns and one for the rows, if they fit into an answer."""
    planned.load(100)

    stream = planned.stream(ALERTS)

    assert stream["tenant_id"] == planned.emulator.tenant_id
    assert (stream["rows"], stream["calls"], stream["minutes"]) == (100, 2, 0.1)
    assert stream["windows"] == [{"start": at(days=30), "end": at(minutes=5), "rows": 100}]


def test_no_row_is_fetched_and_no_state_moves(planned: Planned) -> None:
    """A plan asks for columns and for counts alone, whatever the mode."""
    planned.load(50)

    planned.json(ALERTS, SOFTWARE, COUNTS)

    texts = [call.query for call in planned.emulator.calls]
    assert len(texts) == 6
    assert all(text.endswith("| take 0") or "summarize __rows = count()" in text for text in texts)


@pytest.mark.parametrize("cap", [20, 50, 1000], ids="row-cap-{}".format)
def test_run_does_what_was_planned(planned: Planned, cap: int) -> None:
    """The plan is held against the run: its rows and its calls, the probe's among them."""
    planned.load(300, every=timedelta(minutes=77))
    plan = planned.stream(ALERTS, max_rows_per_call=cap)
    planned.emulator.clear()
    planned.emulator.clock.set(NOW)
    planned.emulator.configure(row_cap=cap)

    run = planned.tenant.sync(ALERTS, max_rows_per_call=cap)

    assert len(run.records("alerts")) == plan["rows"]
    # where rows lie inside a bin is not known, so a window more or less is as good as exact
    assert len(planned.emulator.calls) == pytest.approx(plan["calls"], rel=0.1, abs=0)


def test_windows_cover_the_span_and_their_rows_are_all_rows(planned: Planned) -> None:
    """Neighbours share a bound, so nothing is planned twice or not at all."""
    planned.load(400)

    stream = planned.stream(ALERTS, max_rows_per_call=50)

    windows = stream["windows"]
    assert sum(window["rows"] for window in windows) == stream["rows"] == 400
    assert [w["start"] for w in windows[1:]] == [w["end"] for w in windows[:-1]]
    assert (windows[0]["start"], windows[-1]["end"]) == (at(days=30), at(minutes=5))


def test_histogram_adds_up_to_the_rows(planned: Planned) -> None:
    """The bins show when rows are there, empty ones too; a row is in one of them."""
    planned.load(48)

    stream = planned.stream(ALERTS)

    bins = stream["bins"]
    assert sum(entry["rows"] for entry in bins) == 48
    assert bins[0]["start"] == at(days=30)
    assert [entry["rows"] for entry in bins[-3:]] == [12, 24, 12]
    assert 0 < len(bins) <= 60


def test_next_run_starts_at_the_bookmark_less_the_lookback(planned: Planned) -> None:
    """With the state of the last run, the plan is that of the next."""
    planned.load(100)
    state = planned.tenant.sync(ALERTS).state
    planned.emulator.clock.advance(3 * HOUR)

    stream = planned.stream(ALERTS, state=state)

    assert stream["windows"] == [
        {"start": at(minutes=65), "end": at(hours=-3, minutes=5), "rows": 1}
    ]


def test_bookmark_of_another_cursor_is_not_used(planned: Planned) -> None:
    """A changed replication key starts anew, as the run does."""
    bookmark = {"replication_key": "Other", "replication_key_value": at(hours=1)}

    stream = planned.stream(ALERTS, state={"bookmarks": {"alerts": bookmark}})

    assert stream["windows"][0]["start"] == at(days=30)


def test_holes_of_earlier_runs_are_planned_again(planned: Planned) -> None:
    """A window that was given up is tried again before what is new."""
    planned.load(100)
    bookmark = {
        "replication_key": "Timestamp",
        "replication_key_value": at(hours=2),
        "holes": [{"start": at(days=2), "end": at(days=1), "reason": "x", "attempts": 1}],
    }

    stream = planned.stream(ALERTS, state={"bookmarks": {"alerts": bookmark}})

    starts = [window["start"] for window in stream["windows"]]
    assert starts == [at(days=2), at(hours=3)]
    assert [window["rows"] for window in stream["windows"]] == [24, 3]


def test_run_with_a_catalog_is_planned_without_calls_for_columns(planned: Planned) -> None:
    """What the catalog has not, or has deselected, is not planned; the run makes those calls.

    For a query that the catalog has not it makes one more, to say why.
    """
    planned.load(40)
    other, new = {**ALERTS, "name": "other"}, {**ALERTS, "name": "new"}
    tap = planned.tenant.tap(planned.tenant.config(ALERTS, other))
    tap.streams["other"].selected = False
    catalog = tap.catalog_dict

    plan = planned.with_catalog(catalog, ALERTS, other, new).json(PLAN)
    earlier = len(planned.emulator.calls)
    planned.tenant.sync(ALERTS, other, new, catalog=catalog)

    assert [(stream["name"], stream["rows"]) for stream in plan["streams"]] == [("alerts", 40)]
    assert plan["calls"] == len(planned.emulator.calls) - earlier - 1 == 1


@pytest.mark.parametrize("catalog", [{}, {"streams": [1]}, {"streams": [{}]}, {"streams": None}])
def test_file_that_is_no_catalog_is_named(planned: Planned, catalog: object) -> None:
    """It may be the settings, by mistake."""
    ran = planned.with_catalog(catalog, ALERTS)

    assert ran.status == 1
    assert "catalog.json: is no catalog as `tap-m365hunting --discover` writes it" in ran.errors


def test_backfill_is_planned_by_its_own_span(planned: Planned) -> None:
    """With an end date the bookmark is not looked at."""
    planned.load(100)
    bookmark = {"replication_key": "Timestamp", "replication_key_value": at(hours=1)}

    stream = planned.stream(
        ALERTS,
        state={"bookmarks": {"alerts": bookmark}},
        start_date=at(days=2),
        end_date=at(days=1),
    )

    assert stream["windows"] == [{"start": at(days=2), "end": at(days=1), "rows": 24}]


def test_nothing_to_read_is_planned_as_nothing(planned: Planned) -> None:
    """A bookmark ahead of the clock gives no window."""
    bookmark = {"replication_key": "Timestamp", "replication_key_value": at(hours=-1)}

    stream = planned.stream(ALERTS, state={"bookmarks": {"alerts": bookmark}})

    assert (stream["rows"], stream["calls"], stream["windows"], stream["bins"]) == (0, 1, [], [])


def test_full_table_is_counted_whole(planned: Planned) -> None:
    """A table without time has no windows; above the row cap it is read in parts."""
    rows = [{"DeviceId": str(number)} for number in range(30)]
    planned.emulator.engine.load("DeviceTvmSoftwareInventory", rows)

    small, large = planned.stream(SOFTWARE), planned.stream(SOFTWARE, max_rows_per_call=20)

    assert (small["rows"], small["calls"], small["windows"], small["bins"]) == (30, 2, [], [])
    assert large["calls"] > small["calls"]


def test_windowed_query_is_counted_in_one(planned: Planned) -> None:
    """What an aggregate returns depends on its window, so it is counted for the run's own."""
    planned.load(10)

    stream = planned.stream(COUNTS)

    assert stream["rows"] == 9  # what came in the hour that is not over is the next run's
    assert stream["bins"] == []


def test_minutes_of_the_run_are_those_of_all_calls_under_the_quotas(planned: Planned) -> None:
    """Streams share the tenant's quotas: the run takes longer than the calls themselves."""
    queries = [{**ALERTS, "name": f"alerts{number}"} for number in range(5)]

    plan = planned.json(*queries, max_calls_per_minute=4)

    assert plan["calls"] == sum(stream["calls"] for stream in plan["streams"]) == 10
    assert all(stream["minutes"] == 0.1 for stream in plan["streams"])
    assert plan["minutes"] > 2


def test_stream_that_cannot_be_planned_hides_no_other(planned: Planned) -> None:
    """The service's refusal stands with its stream; the status says that something is wrong."""
    config = planned.commands.file(
        planned.tenant.config(
            {"name": "bad", "query": "NoSuchTable"}, {**ALERTS, "primary_keys": ["Nope"]}, SOFTWARE
        )
    )

    ran = planned.commands.run("plan", "--format", "json", "--config", config)

    bad, keyless, good = ran.json(PLAN)["streams"]
    assert ran.status == 1
    assert "NoSuchTable" in bad["error"]
    assert keyless["error"] == "primary_keys: the result has no column Nope"
    assert "error" not in good


def test_wrong_settings_are_all_said(planned: Planned) -> None:
    """A plan needs settings that would run; `check` looks at those that would not."""
    ran = planned.run({"name": "q", "query": "AlertInfo | take 5"}, on_stream_error="stop")

    assert ran.status == 1
    assert "queries[0] (q): line 1, column 13: 'take'" in ran.errors
    assert planned.emulator.calls == ()


def test_wrong_secret_is_one_error(planned: Planned) -> None:
    """Without a token there is no plan, and no traceback either."""
    ran = planned.run(ALERTS, client_secret="S3CRET")

    assert ran.status == 1
    assert ran.errors.startswith("Error: No token for tenant")
    assert "S3CRET" not in ran.errors


@pytest.mark.parametrize(
    "bookmark",
    [
        {"replication_key": "Timestamp", "replication_key_value": "soon"},
        {"replication_key": "Timestamp", "replication_key_value": at(), "holes": [{}]},
    ],
    ids=["no-instant", "no-hole"],
)
def test_state_that_cannot_be_read_is_the_stream_s_error(
    planned: Planned, bookmark: object
) -> None:
    """The run would stop at it, so the plan says so."""
    stream = planned.stream(ALERTS, state={"bookmarks": {"alerts": bookmark}})

    assert stream["error"]


def test_text_shows_bars_windows_and_the_sum(planned: Planned) -> None:
    """For a person: how much there is, when it is from, and how long it takes."""
    planned.load(48)

    ran = planned.run(ALERTS, start_date=at(days=4))

    assert ran.output == (
        "alerts  48 rows, 2 calls, 0.1 min\n"
        "                 ████████\n"
        "         from 2026-02-25 12:00:00, a bar is 6h, the highest is 6 rows\n"
        "         2026-02-25 12:00:00 to 2026-03-01 11:55:00  48 rows\n"
        "The run: 2 calls, 0.1 min under the quotas\n"
    )


def test_long_plan_is_shown_in_part(planned: Planned) -> None:
    """All windows are in the JSON; a person sees the first of them."""
    planned.load(400)

    ran = planned.run(ALERTS, max_rows_per_call=10)

    assert " windows more\n" in ran.output
    assert len(ran.output.splitlines()) < 30


def test_text_names_the_stream_that_cannot_be_planned(planned: Planned) -> None:
    """The reason stands in the stream's own line, between the others."""
    ran = planned.run({"name": "bad", "query": "NoSuchTable"}, SOFTWARE)

    first, second, *_ = ran.output.splitlines()
    assert first.startswith("error  bad  Microsoft Graph answered 400")
    assert second.startswith("device_tvm_software_inventory  0 rows, 2 calls")
    assert ran.status == 1
