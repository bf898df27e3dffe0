"""Bad settings are named, all at once, by key, before any call; secrets are never shown."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from singer_sdk.exceptions import ConfigValidationError

from tap_m365hunting.configuration.config import Settings
from tap_m365hunting.configuration.settings import SETTINGS
from tap_m365hunting.tap import TapM365Hunting

QUERY = {"name": "alerts", "query": "AlertInfo | project Timestamp, AlertId"}
GOOD: dict[str, Any] = {
    "tenant_id": "t",
    "client_id": "c",
    "client_secret": "S3CRET",
    "queries": [QUERY],
}
NO_PLACE = "must be https://HOST, with a port and a path at most: no user or password, no ? or #"
NO_NAME = "must be letters, digits and _, no digit first, at most 63"
HIDDEN = "(not shown, as it is no name of a file)"
NO_CHARACTER = "holds a character that is none (NUL, or half of a surrogate pair)"


def wrong(**settings: object) -> list[str]:
    """Return what is said about settings that are good but for these."""
    with pytest.raises(ConfigValidationError) as refused:
        Settings.parse({**GOOD, **settings})
    return list(refused.value.errors)


def wrong_query(**query: object) -> list[str]:
    """Return what is said about a query that is all that is wrong."""
    return wrong(queries=[query])


def test_everything_that_is_wrong_is_said_at_once() -> None:
    """Nobody should have to run the tap five times to find five mistakes."""
    said = wrong(
        tenant_id=None,
        client_secrt="x",
        lookback_minutes="60",
        max_parallel_calls=0,
        queries=[
            QUERY,
            QUERY,
            {"name": "no-dash", "query": " "},
            {"query_file": "gone.kql"},
            {"name": "cut", "query": "AlertInfo | take 5"},
        ],
    )
    assert said.pop().startswith("queries[4] (cut): line 1, column 13: 'take' ")

    assert sorted(said) == [
        "client_secrt: is no setting (did you mean 'client_secret'?)",
        "lookback_minutes: must be a whole number",
        "max_parallel_calls: must be at least 1",
        "queries[0].name: 'alerts' is taken twice, case aside",
        "queries[1].name: 'alerts' is taken twice, case aside",
        f"queries[2].name: 'no-dash' {NO_NAME}",
        "queries[2].query: is empty",
        "queries[3].name: is required",
        "queries[3].query_file: 'gone.kql' cannot be read: No such file or directory",
        "tenant_id: is required, unless tenants or tenants_file lists the tenants",
    ]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        pytest.param(
            {"name": "q"},
            "queries[0].query: give one of query, query_file, table, sigma_rule; given: none",
            id="no-text",
        ),
        pytest.param(
            {"name": "q", "query": "AlertInfo", "table": "AlertInfo"},
            "queries[0].query: give one of query, query_file, table, sigma_rule; given: query, "
            "table",
            id="two-texts",
        ),
        pytest.param(
            {"name": "q", "table": "Alert Info; drop"},
            "queries[0].table: 'Alert Info; drop' is no table's name; use `query` for anything "
            "else",
            id="table-that-is-none",
        ),
        pytest.param(
            {"name": "q", "query": "AlertInfo", "qery_file": "x"},
            "queries[0].qery_file: is no setting (did you mean 'query_file'?)",
            id="misspelled-key",
        ),
        pytest.param(
            {"name": "hunting_windows", "query": "AlertInfo"},
            "queries[0].name: 'hunting_windows' is the tap's own stream; choose another",
            id="reserved-name",
        ),
        pytest.param(
            {"name": "q", "query": "AlertInfo", "replication_key": "ingestion_time"},
            "queries[0].replication_key: ingestion_time is exact only where it is read, at a "
            "table; use `table`, or a datetime column of the result",
            id="ingestion-time-of-a-query",
        ),
        pytest.param(
            {"name": "q", "query": "AlertInfo", "start_date": "last week"},
            "queries[0].start_date: 'last week' is not a UTC time such as 2026-01-31T00:00:00Z",
            id="date-that-is-none",
        ),
        pytest.param(
            {"name": "q\n", "query": "AlertInfo"},
            f"queries[0].name: 'q\\n' {NO_NAME}",
            id="name-and-line-break",
        ),
        pytest.param(
            {"name": "q", "query": "AlertInfo", "primary_keys": ["A", "B", "A"]},
            "queries[0].primary_keys: names 'A' twice",
            id="key-column-twice",
        ),
    ],
)
def test_query_is_refused_by_its_key(query: dict[str, object], said: str) -> None:
    """Each mistake names the query, the key and the way out."""
    assert wrong_query(**query) == [said]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        pytest.param(
            {"end_date": "2026-03-01"},
            "end_date: needs start_date, since a backfill reads [start_date, end_date)",
            id="end-without-start",
        ),
        pytest.param(
            {"start_date": "2026-03-02", "end_date": "2026-03-01"},
            "end_date: must be after start_date",
            id="end-before-start",
        ),
        pytest.param(
            {"api_url": "http://graph.microsoft.com"},
            "api_url: must be https://HOST, since a secret or a token is sent to it",
            id="no-tls",
        ),
        pytest.param({"api": "grph"}, "api: 'grph' is not one of: graph, defender", id="no-choice"),
        pytest.param({"queries": []}, "queries: lists no query", id="no-query"),
        pytest.param(
            {"settle_minutes": 2 * 24 * 60, "retention_days": 2},
            "settle_minutes: must be less than retention_days, or nothing is ever read",
            id="settles-when-it-is-gone",
        ),
        pytest.param(
            {"client_secret": "S3CRET\ud800"}, f"client_secret: {NO_CHARACTER}", id="half-a-pair"
        ),
        pytest.param({"client_id": "a\0b"}, f"client_id: {NO_CHARACTER}", id="nul"),
        *(
            pytest.param(
                {key: 10**number}, f"{key}: must be at most {most:,}", id=f"{key}-{number}"
            )
            for number in (9, 20)
            for key, most in {
                "lookback_minutes": 52_560_000,
                "max_wait_minutes": 525_600,
                "request_timeout_seconds": 1_209_600,
                "retention_days": 36_500,
                "max_parallel_tenants": 256,
                "max_parallel_calls": 64,
                "max_calls_per_minute": 1_000_000,
                "max_calls_per_hour": 100_000_000,
                "max_rows_per_call": 1_000_000,
            }.items()
        ),
        *(
            pytest.param({key: f"https://{place}"}, f"{key}: {NO_PLACE}", id=f"{key}-{name}")
            for key in ("api_url", "authority_url")
            for name, place in {
                "password": "user:S3CRET@localhost",
                "query": "localhost?x=1",
                "empty-query": "localhost?",
                "fragment": "localhost#",
                "port-too-high": "localhost:99999",
                "port-that-is-none": "localhost:S3CRET",
                "bracket-left-open": "[::1",
                "no-host": ":443/v1.0",
                "blank": "local host",
                "line-break": "localhost\n",
            }.items()
        ),
    ],
)
def test_setting_is_refused_by_its_key(settings: dict[str, object], said: str) -> None:
    """Each mistake names the key and the way out."""
    assert wrong(**settings) == [said]


def test_largest_spans_are_spans() -> None:
    """What the settings allow can be counted."""
    most = {
        name: declared["maximum"]
        for name, declared in SETTINGS["properties"].items()
        if "maximum" in declared
    }

    settings = Settings.parse(GOOD | most | {"settle_minutes": 0})

    assert settings.read_settings.retention == timedelta(days=36_500)
    assert settings.queries[0].lookback == settings.read_settings.retention


@pytest.mark.parametrize("start", ["2026-03-02", "2026-03-03"])
def test_query_that_starts_behind_the_end_is_refused(start: str) -> None:
    """A backfill of nothing would look like one of a quiet month."""
    said = wrong(
        queries=[QUERY | {"start_date": start}], start_date="2026-03-01", end_date="2026-03-02"
    )

    assert said == ["queries[0].start_date: must be before end_date, or nothing is read"]


def test_text_that_nothing_can_hold_is_named_wherever_it_stands() -> None:
    """It would come back much later, as the error of whoever was to send or open it."""
    said = wrong(
        tenant_id=None,
        client_secret=None,
        tenants=[{"tenant_id": "t", "federated_token_file": "a\0b"}],
        queries=[QUERY | {"description": "\udfff"}, {"name": "b", "query_file": "c\0d"}],
    )

    assert sorted(said) == [
        f"queries[0].description: {NO_CHARACTER}",
        f"queries[1].query_file: {HIDDEN} cannot be read: no file has such a name",
        f"queries[1].query_file: {NO_CHARACTER}",
        f"tenants[0].federated_token_file: {NO_CHARACTER}",
    ]


def test_unfit_query_is_refused_with_line_and_way_out() -> None:
    """A row limit before the window would lose rows in silence."""
    (said,) = wrong_query(name="q", query="AlertInfo\n| project Timestamp\n| take 10")

    assert said.startswith("queries[0] (q): line 3, column 3: ")
    assert "take" in said


def test_unreadable_query_is_refused_with_its_place() -> None:
    """A bracket that is never closed is found before the service is asked."""
    (said,) = wrong_query(name="q", query="AlertInfo\n| where (Title has 'x'")

    assert said.startswith("queries[0] (q): line 2, column 9: ")


@pytest.mark.parametrize("secret", [{"value": "S3CRET"}, ["S3CRET"], 53], ids=str)
def test_secret_of_a_wrong_type_is_not_shown(secret: object) -> None:
    """A mistake in the settings must not put the secret into a log."""
    said = wrong(client_secret=secret)

    assert said == ["client_secret: must be a string"]


@pytest.mark.parametrize("given", [{"value": "S3CRET"}, ["S3CRET"], 5, True], ids=str)
@pytest.mark.parametrize("key", ["api", "cloud", "auth_method", "start_date", "api_url"])
def test_value_of_a_wrong_type_is_not_shown(key: str, given: object) -> None:
    """It may have slipped there from another setting; that it is no string says all."""
    assert wrong(**{key: given}) == [f"{key}: must be a string"]


@pytest.mark.parametrize("given", [{"value": "S3CRET"}, ["S3CRET"], 5], ids=str)
def test_date_of_a_query_that_is_no_string_is_not_shown(given: object) -> None:
    """As for the settings around it."""
    said = wrong_query(name="q", query="AlertInfo", start_date=given)

    assert said == ["queries[0].start_date: must be a string"]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        pytest.param({"stream_maps": {"alerts": "S3CRET"}}, "stream_maps.alerts", id="stream-map"),
        pytest.param({"faker_config": {"seed": ["S3CRET"]}}, "faker_config.seed", id="seed"),
    ],
)
def test_setting_of_the_sdk_is_not_shown_either(settings: dict[str, Any], said: str) -> None:
    """A map may hold the key of a hash."""
    schema = TapM365Hunting.config_jsonschema
    TapM365Hunting.append_builtin_config(schema)

    with pytest.raises(ConfigValidationError) as refused:
        Settings.parse({**GOOD, **settings}, schema=schema)

    assert refused.value.errors == [f"{said}: has none of the forms that it may have"]


def test_secret_is_in_no_text_of_the_settings() -> None:
    """Settings may be logged, or shown in a traceback."""
    assert "S3CRET" not in repr(Settings.parse(GOOD))


def test_query_file_is_read_as_it_is(tmp_path: Path) -> None:
    """A query in a file keeps its dollar signs, which Meltano would expand."""
    file = tmp_path / "q.kql"
    file.write_text("DeviceEvents | where FolderPath has @'\\$Recycle.Bin'", "utf-8")

    settings = Settings.parse({**GOOD, "queries": [{"name": "q", "query_file": str(file)}]})

    assert settings.queries[0].query.text == file.read_text("utf-8")


@pytest.mark.parametrize(
    ("api", "api_url", "url"),
    [
        pytest.param(
            "graph", None, "https://graph.microsoft.com/v1.0/security/runHuntingQuery", id="graph"
        ),
        pytest.param(
            "graph", "https://localhost:1/", "https://localhost:1/v1.0/security/runHuntingQuery",
            id="host-alone",
        ),
        pytest.param(
            "defender", "https://localhost:1/api", "https://localhost:1/api/advancedhunting/run",
            id="host-and-root",
        ),
    ],
)  # fmt: skip
def test_url_is_completed(api: str, api_url: str | None, url: str) -> None:
    """A user gives the host; the API knows its paths."""
    settings = Settings.parse({**GOOD, "api": api} | ({"api_url": api_url} if api_url else {}))

    assert settings.connection.url == url
