"""Columns that loaders add beside the stream's own, under the names that Singer's SDK gave them.

Pure.
"""

from typing import Final

from bulk_loader.slices import Slice, now
from bulk_loader.sql_types import value

VERSION: Final = {"_sdc_table_version": "BIGINT"}
METADATA: Final = {
    "_sdc_extracted_at": "TIMESTAMP_NS",
    "_sdc_received_at": "TIMESTAMP",
    "_sdc_batched_at": "TIMESTAMP",
    "_sdc_deleted_at": "TIMESTAMP",
    "_sdc_sequence": "BIGINT",
    **VERSION,
}


def added(part: Slice) -> dict[str, str]:
    """Return the expression for each column of a slice's rows."""
    extracted = value("TIMESTAMP_NS", "time_extracted", declared="TIMESTAMP_NS")
    return {
        "_sdc_extracted_at": extracted,
        "_sdc_received_at": f"TIMESTAMP '{part.received}'",
        "_sdc_batched_at": f"TIMESTAMP '{now()}'",
        "_sdc_sequence": f"epoch_ms(TIMESTAMP '{part.received}')",
        "_sdc_table_version": "version",
    }
