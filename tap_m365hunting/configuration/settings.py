"""The tap's settings, as Singer declares them: name, type, default, meaning."""

from typing import Any, Final

from singer_sdk import typing as th

from tap_m365hunting.configuration.batch_settings import BATCH_CONFIG
from tap_m365hunting.configuration.credentials import GUID, METHODS, TOKEN_FILE_VARIABLE
from tap_m365hunting.configuration.query_settings import (
    CENTURY_DAYS,
    CENTURY_MINUTES,
    FORTNIGHT_SECONDS,
    MOST_CALLS_A_MINUTE,
    MOST_CALLS_AN_HOUR,
    MOST_CALLS_AT_ONCE,
    MOST_ROWS_A_CALL,
    MOST_TENANTS_AT_ONCE,
    QUERY,
    YEAR_MINUTES,
)
from tap_m365hunting.configuration.setting_titles import titled

_SIGN_IN: Final = (
    th.Property(
        "client_id",
        th.StringType,
        description="Application (client) id of the app registration; only a managed identity "
        "needs none",
    ),
    th.Property(
        "auth_method",
        th.StringType(allowed_values=list(METHODS)),
        description="How to sign in; inferred from the settings that are given",
    ),
    th.Property(
        "client_secret",
        th.StringType,
        secret=True,
        description="Client secret of the app registration",
    ),
    th.Property(
        "certificate_path",
        th.StringType,
        description="A file with private key and certificate, and any chain after it: PEM or PFX",
    ),
    th.Property(
        "certificate_password",
        th.StringType,
        secret=True,
        description="The password of the certificate's file, if there is a password",
    ),
    th.Property(
        "federated_token_file",
        th.StringType,
        description="A file with a token of an issuer that the app registration trusts; default: "
        f"the variable {TOKEN_FILE_VARIABLE}",
    ),
    th.Property(
        "managed_identity",
        th.StringType,
        description="The word `system`, or a user-assigned identity by its client id, its "
        "resource id (/subscriptions/...), or its object id behind object_id:",
    ),
    th.Property(
        "token_cache_path",
        th.StringType,
        description="A file, private to its user, where device_code keeps a sign-in for later runs",
    ),
)

_TENANT: Final = th.ObjectType(
    th.Property("tenant_id", th.StringType, required=True, description="Entra ID tenant"),
    th.Property(
        "name",
        th.StringType,
        description="What people call it; stands in each row as `tenant_name`",
    ),
    th.Property(
        "workspace_id",
        th.StringType(pattern=GUID),
        description="The tenant's own `workspace_id`",
    ),
    *_SIGN_IN,
    additional_properties=False,
)

_DECLARED: Final[dict[str, Any]] = th.PropertiesList(
    th.Property(
        "tenant_id",
        th.StringType,
        description="Entra ID tenant; required unless `tenants` or `tenants_file` lists tenants",
    ),
    *_SIGN_IN,
    th.Property(
        "tenants",
        th.ArrayType(_TENANT),
        secret=True,
        description="Many tenants in the place of `tenant_id`, each with what differs from the "
        "settings for all: see below",
    ),
    th.Property(
        "tenants_file",
        th.StringType,
        description="A JSON file that holds such a list in the place of `tenants`",
    ),
    th.Property(
        "max_parallel_tenants",
        th.IntegerType(minimum=1, maximum=MOST_TENANTS_AT_ONCE),
        default=4,
        description="Tenants that are read at the same time",
    ),
    th.Property(
        "api",
        th.StringType(allowed_values=["graph", "defender"]),
        default="graph",
        description="The API to ask: Microsoft Graph, or the older Defender API, which stops "
        "returning data on 2027-02-01",
    ),
    th.Property(
        "cloud",
        th.StringType(allowed_values=["global", "gcc", "gcc_high", "dod"]),
        default="global",
        description="The Microsoft cloud that holds the tenant: picks hosts and scope",
    ),
    th.Property(
        "api_url",
        th.StringType,
        description="Scheme and host of the API where it is not the cloud's own: the emulator, a "
        "regional host, a proxy",
    ),
    th.Property(
        "authority_url",
        th.StringType,
        description="Scheme and host of the login where it is not the cloud's own",
    ),
    th.Property(
        "queries",
        th.ArrayType(QUERY),
        required=True,
        description="The hunting queries, each one stream",
    ),
    th.Property(
        "start_date",
        th.DateTimeType,
        description="First instant wanted; default: as far back as the service keeps data",
    ),
    th.Property(
        "end_date",
        th.DateTimeType,
        description="With start_date: read that span once as a backfill, bookmarks untouched",
    ),
    th.Property(
        "on_unsettled_end",
        th.StringType(allowed_values=["stop", "wait"]),
        default="stop",
        description="An end_date whose rows are not settled yet: refuse to run, or wait for "
        "settle_minutes to pass, at most a day",
    ),
    th.Property(
        "lookback_minutes",
        th.IntegerType(minimum=0, maximum=CENTURY_MINUTES),
        default=60,
        description="Minutes behind the bookmark that are read again, for late rows",
    ),
    th.Property(
        "settle_minutes",
        th.IntegerType(minimum=0, maximum=CENTURY_MINUTES),
        default=5,
        description="Minutes before now where a run ends, since rows are still being written",
    ),
    th.Property(
        "retention_days",
        th.IntegerType(minimum=1, maximum=CENTURY_DAYS),
        default=30,
        description="Days for which the service keeps data; more than 30 only on Graph, whose "
        "calls then carry a Timespan",
    ),
    th.Property(
        "workspace_id",
        th.StringType(pattern=GUID),
        description="Graph: the Log Analytics workspace to ask (a GUID); sent only if set",
    ),
    th.Property(
        "max_rows_per_call",
        th.IntegerType(minimum=2, maximum=MOST_ROWS_A_CALL),
        default=100_000,
        description="The service's row cap: the most rows that one answer holds",
    ),
    th.Property(
        "max_calls_per_minute",
        th.IntegerType(minimum=1, maximum=MOST_CALLS_A_MINUTE),
        default=45,
        description="The tenant's call quota a minute",
    ),
    th.Property(
        "max_calls_per_hour",
        th.IntegerType(minimum=1, maximum=MOST_CALLS_AN_HOUR),
        default=1500,
        description="The tenant's call quota an hour",
    ),
    th.Property(
        "quota_share_percent",
        th.IntegerType(minimum=1, maximum=100),
        default=100,
        description="Percent of the quotas that the tap may use; the rest is left to analysts",
    ),
    th.Property(
        "max_parallel_calls",
        th.IntegerType(minimum=1, maximum=MOST_CALLS_AT_ONCE),
        default=2,
        description="Calls of a tenant that are in flight at the same time",
    ),
    th.Property(
        "max_wait_minutes",
        th.IntegerType(minimum=0, maximum=YEAR_MINUTES),
        default=30,
        description="The longest that one call waits for a quota before its stream stops",
    ),
    th.Property(
        "request_timeout_seconds",
        th.IntegerType(minimum=1, maximum=FORTNIGHT_SECONDS),
        default=900,
        description="Seconds until a call without an answer is given up",
    ),
    th.Property(
        "on_stream_error",
        th.StringType(allowed_values=["continue", "stop"]),
        default="continue",
        description="After a stream failed: go on with the others, or stop. Either way the exit "
        "status is 1",
    ),
    th.Property(
        "on_unreadable_window",
        th.StringType(allowed_values=["stop", "skip"]),
        default="stop",
        description="A window that fails even at its narrowest: stop the stream before the window, "
        "or skip the window and try again on later runs",
    ),
    th.Property(
        "on_changing_rows",
        th.StringType(allowed_values=["stop", "take"]),
        default="stop",
        description="Rows read by hash parts that change in each of four readings: stop the "
        "stream before them, or take the last reading, with status `changed` in the coverage",
    ),
    th.Property(
        "schema_drift",
        th.StringType(allowed_values=["evolve", "freeze", "fail"]),
        default="evolve",
        description="An answer whose columns are not the catalog's: follow them, hold to the "
        "catalog, or fail",
    ),
    th.Property(
        "dynamic_as",
        th.StringType(allowed_values=["string", "json"]),
        default="string",
        description="Dynamic columns as JSON text, which every loader takes, or nested",
    ),
    th.Property(
        "column_names",
        th.StringType(allowed_values=["safe", "as_is"]),
        default="safe",
        description="Column names made fit for SQL loaders, or left as the service writes them",
    ),
    th.Property(
        "row_id",
        th.BooleanType,
        default=True,
        description="Add `_row_id`, the same for the same row on every read",
    ),
    th.Property(
        "outcome_file",
        th.StringType,
        description="A JSON file that a run writes at its end, for schedulers: the ids of the "
        "tenants read whole (`done`), and the cause of each other one (`failed`)",
    ),
    th.Property(
        "batch_config",
        BATCH_CONFIG,
        description="Rows in files that BATCH lines name, for loaders that take them: `storage` "
        "with a `root`, perhaps `encoding` and `batch_size`",
    ),
    additional_properties=False,
).to_dict()

#: Every setting of the tap, as JSON Schema.
SETTINGS: Final = titled(_DECLARED)

#: The value of each setting that need not be given.
DEFAULTS: Final = {
    name: declared["default"]
    for name, declared in SETTINGS["properties"].items()
    if "default" in declared
}
