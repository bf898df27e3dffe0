"""The settings of one query, as Singer declares them: name, type, default, meaning."""

from typing import Final

from singer_sdk import typing as th

from tap_m365hunting.configuration.credentials import GUID

#: The form of a stream's name: SQL loaders split names on `-` and fold case.
STREAM_NAME: Final = r"^[A-Za-z_][A-Za-z0-9_]{0,62}$(?!\n)"
#: Spans beyond these are slips of the pen, and past what dates and sockets can count.
CENTURY_DAYS: Final = 36_500
CENTURY_MINUTES: Final = CENTURY_DAYS * 24 * 60
YEAR_MINUTES: Final = 365 * 24 * 60
FORTNIGHT_SECONDS: Final = 14 * 24 * 60 * 60
#: Threads and results in memory grow with these; a tenant allows 45 calls a minute.
MOST_CALLS_AT_ONCE: Final = 64
MOST_TENANTS_AT_ONCE: Final = 256
#: Beyond any quota and any row cap that the service has had, tenfold and more.
MOST_CALLS_A_MINUTE: Final = 1_000_000
MOST_CALLS_AN_HOUR: Final = 100_000_000
MOST_ROWS_A_CALL: Final = 1_000_000

#: An entry of `queries`.
QUERY: Final = th.ObjectType(
    th.Property(
        "name",
        th.StringType(pattern=STREAM_NAME),
        description="The stream's name; a table's defaults to the table in snake case",
    ),
    th.Property("query", th.StringType, description="The KQL text"),
    th.Property(
        "query_file",
        th.StringType,
        description="A file that holds the KQL text, named from the working directory, else from "
        "the folder of the settings",
    ),
    th.Property("table", th.StringType, description="A whole hunting table, such as DeviceInfo"),
    th.Property("sigma_rule", th.StringType, description="A Sigma rule, or a folder of them"),
    th.Property(
        "replication_method",
        th.StringType(allowed_values=["INCREMENTAL", "WINDOWED", "FULL_TABLE"]),
        description="How to read it; chosen by the query's form if not given",
    ),
    th.Property(
        "replication_key",
        th.StringType,
        description="The cursor: the datetime column that windows bound. Default: the first of "
        "Timestamp, TimeGenerated in the result; for a table also ingestion_time",
    ),
    th.Property(
        "primary_keys",
        th.ArrayType(th.StringType),
        description="Columns of the result that name a row; default: `_row_id`",
    ),
    th.Property(
        "lookback_minutes",
        th.IntegerType(minimum=0, maximum=CENTURY_MINUTES),
        description="This query's own `lookback_minutes`",
    ),
    th.Property(
        "settle_minutes",
        th.IntegerType(minimum=0, maximum=CENTURY_MINUTES),
        description="This query's own `settle_minutes`",
    ),
    th.Property(
        "retention_days",
        th.IntegerType(minimum=1, maximum=CENTURY_DAYS),
        description="This query's own `retention_days`; its first run then begins as far back, "
        "unless `start_date` says otherwise",
    ),
    th.Property(
        "workspace_id",
        th.StringType(pattern=GUID),
        description="This query's own `workspace_id`",
    ),
    th.Property(
        "window_minutes",
        th.IntegerType(minimum=1, maximum=YEAR_MINUTES),
        description="WINDOWED: the width of a window where the query rounds time to no bins of its "
        "own; it divides a day, or is whole days. Default: 60",
    ),
    th.Property("start_date", th.DateTimeType, description="This query's own `start_date`"),
    th.Property(
        "unsafe_window",
        th.BooleanType,
        default=False,
        description="Window the query although the tap finds that windows change its result",
    ),
    th.Property("description", th.StringType, description="For people"),
    additional_properties=False,
)
