"""The columns documented as the identity of a hunting table's rows.

Pure. From the tables' pages below https://learn.microsoft.com/en-us/defender-xdr/ (July 2026). The
keys are offered, and used only where `primary_keys` names them: the pages speak of stored rows, not
of returned rows. Tables with rows per entity repeat a key, and the pages of mail tables name a
column missing from those tables.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from tap_m365hunting.kql.query import Query
from tap_m365hunting.kql.wrapping import table_query

# A device counts its reports, and starts again: the number needs the device and the time.
_COUNTED_BY_DEVICE: Final = ("Timestamp", "DeviceName", "ReportId")
_DEVICE_TABLES: Final = """
    DeviceEvents DeviceFileCertificateInfo DeviceFileEvents DeviceImageLoadEvents DeviceInfo
    DeviceLogonEvents DeviceNetworkEvents DeviceNetworkInfo DeviceProcessEvents
    DeviceRegistryEvents
"""

# Here it is a text that the service makes.
_REPORT: Final = ("ReportId",)
_REPORT_TABLES: Final = """
    AADSignInEventsBeta AADSpnSignInEventsBeta CampaignInfo CloudAppEvents CloudAuditEvents
    CloudDnsEvents CloudPolicyEnforcementEvents CloudStorageAggregatedEvents EmailAttachmentInfo
    EmailEvents EmailPostDeliveryEvents EmailUrlInfo EntraIdSignInEvents EntraIdSpnSignInEvents
    FileMaliciousContentInfo GraphAPIAuditEvents IdentityAccountInfo IdentityDirectoryEvents
    IdentityEvents IdentityInfo IdentityLogonEvents IdentityQueryEvents MessageEvents
    MessagePostDeliveryEvents MessageUrlInfo OAuthAppInfo UrlClickEvents
"""

#: By table; the others have none that is documented.
IDENTITIES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "AlertInfo": ("AlertId",),
        **dict.fromkeys(_DEVICE_TABLES.split(), _COUNTED_BY_DEVICE),
        **dict.fromkeys(_REPORT_TABLES.split(), _REPORT),
    }
)


def documented_identity(query: Query) -> tuple[str, ...]:
    """Return the documented identity of a query for a whole table; empty if not documented.

    >>> from tap_m365hunting.kql.statements import read
    >>> documented_identity(read("DeviceEvents"))
    ('Timestamp', 'DeviceName', 'ReportId')
    >>> documented_identity(read("DeviceEvents | mv-expand split(FileName, '.')"))
    ()
    """
    table = query.name_at(0)
    if table not in IDENTITIES:
        return ()
    whole = {table_query(table), table_query(table, ingestion_time=True)}
    return IDENTITIES[table] if query.text.strip() in whole else ()
