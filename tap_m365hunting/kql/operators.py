"""Tables of operators, by their effect on the rows of a window.

Pure data. An operator works row by row if each row of the result comes from one row of the input,
whatever other rows there are; only then does bounding the result equal bounding the input. An
operator in neither table is refused: a new operator has to be looked at first.
"""

from collections.abc import Mapping
from typing import Final

# Where no replication_key is set, the first of these in the result is the cursor.
CURSORS: Final = ("Timestamp", "TimeGenerated")

# `distinct` is here because equal rows are in one window; `search` because, after a pipe, it is
# a filter; `mv-apply` because its inner query sees the values of one row.
ROW_WISE: Final = frozenset({
    "assert-schema", "consume", "distinct", "extend", "filter", "mv-apply", "mv-expand", "mvapply",
    "mvexpand", "order", "parse", "parse-kv", "parse-where", "project", "project-away",
    "project-keep", "project-rename", "project-reorder", "search", "serialize", "sort", "where",
})  # fmt: skip

# Functions that look at the neighbours of a row, which may stand in another window.
NEIGHBOURS: Final = frozenset({
    "next", "prev", "row_cumsum", "row_number", "row_rank", "row_rank_dense", "row_rank_min",
    "row_window_session",
})  # fmt: skip

# Plugins of `evaluate` that make of each row its own rows.
ROW_WISE_PLUGINS: Final = frozenset({"bag_unpack", "ipv4_lookup", "ipv6_lookup"})

# Joins that keep the rows of their left side, where the cursor is.
LEFT_JOINS: Final = frozenset({
    "anti", "inner", "innerunique", "leftanti", "leftantisemi", "leftouter", "leftsemi",
})  # fmt: skip
LEFT_ONLY_JOINS: Final = frozenset({"anti", "leftanti", "leftantisemi", "leftsemi"})

# Tables of the documented schema with neither Timestamp nor TimeGenerated.
TIMELESS_TABLES: Final = frozenset({
    "CallActivityEvents",
    "DeviceBaselineComplianceAssessment", "DeviceBaselineComplianceAssessmentKB",
    "DeviceBaselineComplianceProfiles", "DeviceTvmBrowserExtensions",
    "DeviceTvmBrowserExtensionsKB", "DeviceTvmCertificateInfo", "DeviceTvmHardwareFirmware",
    "DeviceTvmInfoGatheringKB", "DeviceTvmSecureConfigurationAssessmentKB",
    "DeviceTvmSoftwareEvidenceBeta", "DeviceTvmSoftwareInventory",
    "DeviceTvmSoftwareVulnerabilities", "DeviceTvmSoftwareVulnerabilitiesKB",
    "ExposureGraphEdges", "ExposureGraphNodes",
})  # fmt: skip

RUN_WHOLE: Final = "set replication_method to FULL_TABLE to read the whole result in each run"

LEFT_OUT: Final = (
    "leaves out {cursor}, the time of the rows, so {effect}. Keep {cursor} in the result; or, "
    "where another column is their time, set replication_key to that; or " + RUN_WHOLE
)
READ_ANEW: Final = "no windows bound the result, and each run reads all rows anew"
NO_BOUND: Final = "no windows can bound the result"

BOUND_INSIDE: Final = (
    "bound the rows before it with `| where Timestamp >= window_start and Timestamp < window_end`, "
    "names that the tap then defines (WINDOWED)"
)

_LIMIT: Final = (
    "keeps a few of all rows before the window is applied, so most rows of a window would never "
    "be read. Remove it, the tap reads any number of rows window by window; or " + RUN_WHOLE
)
_RANKING: Final = (
    "ranks the rows of all time, and only then would the window be applied, so most windows would "
    "come back empty. Remove it; or " + BOUND_INSIDE + "; or " + RUN_WHOLE
)
_AGGREGATE: Final = (
    "computes over rows of all time; a window of its result is not the result of the window, and "
    "changes after it was read. Instead " + BOUND_INSIDE + "; or " + RUN_WHOLE
)
_NEIGHBOURS: Final = (
    "compares each row with others, which may stand in another window or arrive late. Instead "
    + BOUND_INSIDE
    + "; or "
    + RUN_WHOLE
)
_ALL_TABLES: Final = (
    "looks through tables of which some have no cursor, or another. Name the tables with union, "
    "and project the columns wanted; or " + RUN_WHOLE
)
SEVERAL_RESULTS: Final = (
    "gives several results, of which the service returns one. Make a query of each branch"
)
UNKNOWN: Final = (
    "is not known to work row by row, so a window of its result may not be the result of the "
    "window. If it does, set unsafe_window to true; else " + BOUND_INSIDE + "; or " + RUN_WHOLE
)

REFUSED: Final[Mapping[str, str]] = {
    "take": _LIMIT,
    "limit": _LIMIT,
    "sample": _LIMIT,
    "sample-distinct": _LIMIT,
    "top": _RANKING,
    "top-hitters": _RANKING,
    "top-nested": _RANKING,
    "count": _AGGREGATE,
    "summarize": _AGGREGATE,
    "make-series": _AGGREGATE,
    "reduce": _AGGREGATE,
    "getschema": _AGGREGATE,
    "partition": _NEIGHBOURS,
    "partitionby": _NEIGHBOURS,
    "scan": _NEIGHBOURS,
    "fork": SEVERAL_RESULTS,
    "facet": SEVERAL_RESULTS,
}

SOURCES_REFUSED: Final[Mapping[str, str]] = {"search": _ALL_TABLES, "find": _ALL_TABLES}

# Options of `set` that leave the rows as they are, and those that cut a result and say nothing.
# https://learn.microsoft.com/en-us/kusto/api/rest/request-properties
HARMLESS_OPTIONS: Final = frozenset({
    "max_memory_consumption_per_query_per_node", "maxmemoryconsumptionperiterator",
    "norequesttimeout", "notruncation", "query_bin_auto_at", "query_bin_auto_size",
    "query_distribution_nodes_span", "query_fanout_nodes_percent", "query_fanout_threads_percent",
    "request_app_name", "request_description", "request_user", "servertimeout",
})  # fmt: skip
LIMITING_OPTIONS: Final = frozenset({
    "query_take_max_records", "truncation_max_records", "truncation_max_size",
    "truncationmaxrecords", "truncationmaxsize",
})  # fmt: skip

BINS: Final = (
    "counts bins of {bin}, and a bin that is read before it is full, or cut by a window, comes out "
    "wrong and stays so. Instead " + BOUND_INSIDE + ", with windows of whole bins; or " + RUN_WHOLE
)
UNEVEN_BINS: Final = (
    "puts rows together by a time that is rounded in a way the tap cannot follow, so a window may "
    "cut a group in two, and both come out as rows. Round by a width that is written out, as in "
    "`bin(Timestamp, 1d)`; or " + RUN_WHOLE
)
LIMITING_OPTION: Final = "cuts every window's result at a size, and says nothing. Remove it"
UNKNOWN_OPTION: Final = (
    "is not known to leave the rows as they are: an option may cut a result, or leave out what is "
    "slow to read. Remove it; or, if it does no such thing, set unsafe_window to true"
)
NOTHING_THERE: Final = "has no operator or table beside it; finish or remove it"

RIGHT_JOIN: Final = (
    "keeps rows of its right side, which the window does not bound. Swap the sides and use "
    "kind=leftouter, leftsemi or leftanti; or " + BOUND_INSIDE + "; or " + RUN_WHOLE
)
NULL_CURSOR: Final = (
    "leaves rows without a cursor, which no window ever holds. Take the cursor from the left "
    "side, or use kind=inner"
)
BRANCH_WITHOUT_CURSOR: Final = (
    "has a branch without the column {cursor}; its rows match no window and would never be read. "
    "Keep {cursor} in every branch, or make a query of each"
)
TIMELESS_TABLE: Final = (
    "takes in {table}, which has no column {{cursor}}; its rows match no window and would never be "
    "read. Keep to tables that have one, by their names or a narrower pattern, or make a query of "
    "each"
)
TWO_CURSORS: Final = (
    "puts tables together, and the result has {beside} beside {cursor}: rows of a table with "
    "{beside} alone match no window and would never be read. Add "
    "`| extend {cursor} = coalesce({cursor}, {beside})`; or, if every table has {cursor}, "
    "`| project-away {beside}`"
)
OTHER_ROWS: Final = _NEIGHBOURS
TOO_DEEP: Final = (
    "calls functions in functions too deep to be followed. Write the inner ones out; or "
    + RUN_WHOLE
)

TOO_MANY_SIDES: Final = (
    "brings in rows beside those of so many joins before it that they cannot be followed. Make "
    "queries of fewer joins; or " + RUN_WHOLE
)

INNERUNIQUE: Final = (
    "is innerunique: of the left rows with the same key it keeps one, which may stand in another "
    "window. Write kind=inner to keep them all"
)
PLUGIN_COLUMNS: Final = (
    "makes its columns from the rows it meets, and the schema is asked for without rows. Name "
    "them, as in `evaluate bag_unpack(AdditionalFields) : (Timestamp: datetime, Name: string)`"
)
STORED_FUNCTION: Final = (
    "is a function of the service, whose rows may depend on when it runs or be limited in number; "
    "the tap cannot look inside"
)
OWN_TIME: Final = (
    "ties the rows to the time of the run: rows older than the query's own filter are never read, "
    "and a backfill of them comes back empty. Remove the filter, the tap bounds time itself"
)
CHANCE: Final = (
    "gives other values each time: a row that the lookback reads again comes and goes by chance, "
    "or is another row then. Use what is in the row, as in `hash(ReportId, 10) == 0`"
)
LATE_MATCH: Final = (
    "brings a row to light once other rows match it, which may be hours or days after the row's "
    "own time; by then its window was read, and the row is never loaded."
)
LATE_COLUMNS: Final = (
    "fills columns once another row matches: a row that was read before is loaded without them, "
    "and read again it has another _row_id beside the first. Set primary_keys to columns of the "
    "left side that name a row, so that it is replaced."
)
LATE_REFUTATION: Final = (
    "leaves a row out once another row matches it; a row that was read before that stays loaded."
)
#: The remedy for rows that come to light late, where the tap bounds the query.
WIDER_LOOKBACK: Final = (
    "Set the query's lookback_minutes as wide as a match may take to come (the log, and late_rows "
    "in hunting_windows, say if it suffices); or read each table as a stream, by ingestion_time "
    "where nothing may be missed, and join them in the warehouse"
)
#: The same, where the query bounds itself.
LATER_WINDOWS: Final = (
    "Windows that were read are not read again: set settle_minutes so that a match has come by "
    "then; or read each table as a stream and join them in the warehouse"
)
EXTERNAL_DATA: Final = (
    "reads a file that may change between runs; rows already read are not read again for it"
)
START_LEFT_OUT: Final = (
    "leaves out the start of the window, so a row at that instant is in no window. Write "
    "`Timestamp >= window_start and Timestamp < window_end`"
)
END_INCLUDED: Final = (
    "holds the end of the window, so a row at that instant is in two windows. Write "
    "`Timestamp >= window_start and Timestamp < window_end`"
)
CURSOR_TYPE: Final = (
    "{cursor} is {kind} in the result, no datetime, so it bounds no windows and each run reads all "
    "rows anew. Keep the column as the table has it, convert it with todatetime(), or set "
    "replication_key"
)
UNEVEN_CURSOR: Final = (
    "The cursor {cursor} is rounded in a way the tap cannot follow, and a row that is rounded to "
    "before the bookmark is never read. Round by a width that is written out, as in "
    "`bin(Timestamp, 1d)`, or set replication_key to a column of the table"
)
COMPUTED_CURSOR: Final = (
    "The cursor {cursor} is computed in the query: a row whose value lies further behind the "
    "bookmark than lookback_minutes is never read. Set replication_key to a column of the table"
)
