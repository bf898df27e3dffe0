"""KQL over columns of the hunting tables that fields of both schemas are filled with.

Pure.
"""

from typing import Final

INBOUND: Final = 'ActionType startswith "Inbound"'
CONNECTED: Final = 'ActionType in ("ConnectionSuccess", "InboundConnectionAccepted")'
#: The remote host, which the column holds alone or within a URL.
REMOTE_HOST: Final = 'iff(RemoteUrl contains "://", tostring(parse_url(RemoteUrl).Host), RemoteUrl)'
SENDER_IP: Final = "iff(isempty(SenderIPv4), SenderIPv6, SenderIPv4)"
CLOUD_ACCOUNT: Final = "iff(isempty(AccountObjectId), AccountId, AccountObjectId)"


def listed(*expressions: str) -> str:
    """Return KQL of a list of distinct texts, without those that are empty."""
    return f'set_difference(pack_array({", ".join(expressions)}), dynamic([""]))'


def url_part(part: str) -> str:
    """Return KQL of a part of a clicked link, as `Host`."""
    return f"tostring(parse_url(Url).{part})"
