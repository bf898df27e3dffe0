"""A title and an example for each setting, for pages and forms that are made from the settings."""

from typing import Any, Final

_TENANT: Final = "aaaabbbb-0000-cccc-1111-dddd2222eeee"
_CLIENT: Final = "00001111-aaaa-2222-bbbb-3333cccc4444"

#: Title and example by the name of the setting; of a secret the example is none.
TITLES: Final[dict[str, tuple[str, Any]]] = {
    "tenant_id": ("Tenant", _TENANT),
    "client_id": ("Client id", _CLIENT),
    "auth_method": ("Way to sign in", "client_secret"),
    "client_secret": ("Client secret", None),
    "certificate_path": ("Certificate file", "secrets/app.pem"),
    "certificate_password": ("Certificate password", None),
    "federated_token_file": ("Federated token file", "/var/run/secrets/azure/tokens/token"),
    "managed_identity": ("Managed identity", "system"),
    "token_cache_path": ("Token cache file", "secrets/sign-in.bin"),
    "tenants": ("Tenants", [{"tenant_id": _TENANT, "name": "Contoso"}]),
    "tenants_file": ("Tenants file", "tenants.json"),
    "max_parallel_tenants": ("Tenants at once", 8),
    "api": ("API", "graph"),
    "cloud": ("Cloud", "gcc_high"),
    "api_url": ("API address", "https://localhost:8443"),
    "authority_url": ("Login address", "https://localhost:8443"),
    "queries": ("Queries", [{"name": "alerts", "query": "AlertInfo"}]),
    "start_date": ("Start date", "2026-03-01T00:00:00Z"),
    "end_date": ("End date", "2026-03-08T00:00:00Z"),
    "on_unsettled_end": ("End that is not settled", "wait"),
    "lookback_minutes": ("Lookback (minutes)", 180),
    "settle_minutes": ("Settling (minutes)", 10),
    "retention_days": ("Retention (days)", 90),
    "workspace_id": ("Workspace", "11112222-bbbb-3333-cccc-4444dddd5555"),
    "max_rows_per_call": ("Row cap", 30_000),
    "max_calls_per_minute": ("Calls a minute", 15),
    "max_calls_per_hour": ("Calls an hour", 300),
    "quota_share_percent": ("Share of the quotas (percent)", 50),
    "max_parallel_calls": ("Calls at once", 3),
    "max_wait_minutes": ("Longest wait (minutes)", 60),
    "request_timeout_seconds": ("Time-out of a call (seconds)", 300),
    "on_stream_error": ("After a stream failed", "stop"),
    "on_unreadable_window": ("A window that cannot be read", "skip"),
    "on_changing_rows": ("Rows that change while they are read", "take"),
    "schema_drift": ("Columns that change", "freeze"),
    "dynamic_as": ("Dynamic columns", "json"),
    "column_names": ("Column names", "as_is"),
    "row_id": ("Row id", False),
    "outcome_file": ("Outcome file", "outcome.json"),
    "batch_config": ("Files of rows (BATCH)", {"storage": {"root": "/var/lib/hunting/batches"}}),
}


def titled(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the declaration with titles and examples, which `--about` then shows."""
    for name, declared in schema["properties"].items():
        title, example = TITLES[name]
        declared["title"] = title
        if example is not None:
            declared["examples"] = [example]
    return schema
