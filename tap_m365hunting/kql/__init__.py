"""Query text: tokens, statements, fitness for windows, and the texts that are sent. Pure."""

from tap_m365hunting.kql.fingerprint import fingerprint
from tap_m365hunting.kql.fitness import assess
from tap_m365hunting.kql.query import Query
from tap_m365hunting.kql.statements import read
from tap_m365hunting.kql.verdict import OTHER, Mode, Problem, RowIdentity, Verdict
from tap_m365hunting.kql.wrapping import (
    count,
    keys,
    nulls,
    oldest,
    probe,
    table_query,
    total,
    user_line,
    whole,
    window,
    windowed,
)

__all__ = [
    "OTHER",
    "Mode",
    "Problem",
    "Query",
    "RowIdentity",
    "Verdict",
    "assess",
    "count",
    "fingerprint",
    "keys",
    "nulls",
    "oldest",
    "probe",
    "read",
    "table_query",
    "total",
    "user_line",
    "whole",
    "window",
    "windowed",
]
