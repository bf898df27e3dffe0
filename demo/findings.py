"""What a hunter would look at first: the attack, step by step, in SQL over the tables."""

from dataclasses import dataclass
from typing import Any, Final

from demo.tables import Tables


@dataclass(frozen=True, slots=True)
class Finding:
    """A question; `sql` answers with a time and a sentence, from the tables `streams`."""

    question: str
    streams: tuple[str, ...]
    sql: str


COVERAGE: Final = Finding(
    "Do we have everything?",
    ("hunting_windows",),
    """WITH windows AS (
      SELECT *, max(window_end) OVER (PARTITION BY tenant_id, stream ORDER BY window_start
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS reached
      FROM hunting_windows WHERE status = 'complete'),
    streams AS (
      SELECT stream, max(window_end) AS read_to, count(*) FILTER (window_start > reached) AS gaps
      FROM windows GROUP BY tenant_id, stream)
    SELECT min(read_to), count(*) || ' streams are read up to here without a gap'
    FROM streams WHERE gaps = 0
    UNION ALL SELECT read_to, stream || ' has ' || gaps || ' gaps' FROM streams WHERE gaps > 0""",
)
"""The windows that were read, one against the next: where none is missing, no time is."""

FINDINGS: Final = (
    Finding(
        "Who clicked a link in a phishing mail?",
        ("phished_clicks",),
        """SELECT Timestamp, AccountUpn || ' opened ' || Url || ', mailed by ' || SenderFromAddress
        FROM phished_clicks WHERE DeliveryAction = 'Delivered' ORDER BY 1""",
    ),
    Finding(
        "Which host ran a hidden shell after that?",
        ("hidden_shells",),
        """SELECT Timestamp, DeviceName || ': ' || InitiatingProcessFileName || ' started '
        || ProcessCommandLine FROM hidden_shells ORDER BY 1""",
    ),
    Finding(
        "What starts with Windows since?",
        ("persistence",),
        """SELECT Timestamp, DeviceName || ': ' || "What" FROM persistence ORDER BY 1""",
    ),
    Finding(
        "Who copied the memory of LSASS?",
        ("credential_access",),
        """SELECT Timestamp, AccountName || ' on ' || DeviceName || ' with ' || Tool
        FROM credential_access ORDER BY 1""",
    ),
    Finding(
        "Where did they go from there?",
        ("lateral_movement",),
        """SELECT Timestamp, DeviceName || ' from ' || Source || ' as ' || AccountName || ': '
        || "What" FROM lateral_movement ORDER BY 1""",
    ),
    Finding(
        "What did they wipe?",
        ("covered_tracks",),
        """SELECT Timestamp, DeviceName || ': ' || ProcessCommandLine
        FROM covered_tracks ORDER BY 1""",
    ),
    Finding(
        "Who signed in at high risk?",
        ("risky_sign_ins",),
        """SELECT Timestamp, AccountUpn || ' from ' || IPAddress || ' with ' || UserAgent
        FROM risky_sign_ins ORDER BY 1""",
    ),
    Finding(
        "Which mailbox hides mail?",
        ("inbox_rules",),
        """SELECT Timestamp, AccountDisplayName || ' from ' || IPAddress || ': ' || ActionType
        FROM inbox_rules ORDER BY 1""",
    ),
    Finding(
        "Who took many files?",
        ("mass_downloads",),
        # an hour that two windows share is there twice, the second time with more files
        """SELECT min(First), AccountDisplayName || ': ' || max(Files) || ' files within the hour'
        FROM mass_downloads GROUP BY Hour, AccountDisplayName ORDER BY 1""",
    ),
    Finding(
        "What did Defender say of these people?",
        ("alerted_entities", "phished_clicks"),
        """SELECT min(Timestamp), Level || ': ' || Alert FROM alerted_entities
        WHERE AccountUpn IN (SELECT AccountUpn FROM phished_clicks
        WHERE DeliveryAction = 'Delivered') GROUP BY 2 ORDER BY 1""",
    ),
)


def found(tables: Tables, finding: Finding) -> list[tuple[Any, ...]]:
    """Answer a finding's question; nothing where a table has no rows yet."""
    if not set(finding.streams) <= set(tables.streams):
        return []
    return tables.ask(finding.sql)
