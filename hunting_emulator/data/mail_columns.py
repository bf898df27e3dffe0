"""The values of columns of mails, and of messages in Teams.

Pure. The values are those that Microsoft's documentation lists for the columns.
"""

from collections.abc import Mapping
from typing import Final

from hunting_emulator.data.company import (
    DISPLAY_NAME,
    OBJECT_ID,
    UPN,
    as_text,
    either,
    one_of,
)

_NONE: Final = "''"
_VERDICT: Final = ("", "", "", '{"Spam":"High"}', '{"Phish":"High"}')

MAIL: Final[Mapping[str, Mapping[str, str]]] = {
    "EmailEvents": {
        "AdditionalFields": as_text("json_object()"),
        "ConfidenceLevel": one_of("delivery", *_VERDICT),
        "DetectionMethods": one_of(
            "delivery", "", "", "", '{"Spam":["Fingerprint matching"]}', '{"Phish":["Domain"]}'
        ),
        "EmailAction": one_of(
            "delivery", "", "", "", "Move message to junk mail folder", "Quarantine"
        ),
        "EmailActionPolicy": one_of("delivery", "", "", "", "Antispam spam", "Antispam phish"),
        "LatestDeliveryAction": one_of("delivery", *["Delivered"] * 3, "Junked", "Blocked"),
        "LatestDeliveryLocation": one_of(
            "delivery", *["Inbox/folder"] * 3, "Junk folder", "Quarantine"
        ),
        "SenderIPv6": either("ipv6", 60, "'2001:db8::25'", _NONE),
        "SenderObjectId": either("inside", 250, OBJECT_ID, _NONE),
    },
    "EmailAttachmentInfo": {"SenderObjectId": either("inside", 250, OBJECT_ID, _NONE)},
    "EmailPostDeliveryEvents": {"DetectionMethods": """'{"Phish":["URL detonation"]}'"""},
    "MessageEvents": {
        "TeamsMessageId": "CAST(1700000000000 + k AS VARCHAR)",
        "SenderEmailAddress": UPN,
        "SenderDisplayName": DISPLAY_NAME,
        "ThreatTypes": one_of("threat", *[""] * 9, "Phish"),
    },
    "MessageUrlInfo": {"TeamsMessageId": "CAST(1700000000000 + k AS VARCHAR)"},
}
