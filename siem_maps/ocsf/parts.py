"""Parts that the maps to OCSF have in common: class and activity, accounts, processes, files.

Pure. Classes and objects: https://schema.ocsf.io/1.8.0/
"""

from dataclasses import dataclass
from typing import Final

from siem_maps.fields import Map

VERSION: Final = "1.8.0"
CATEGORIES: Final = {
    1: "System Activity",
    2: "Findings",
    3: "Identity & Access Management",
    4: "Network Activity",
    6: "Application Activity",
}
_SEVERITIES: Final = {1: "Informational", 2: "Low", 3: "Medium", 4: "High", 5: "Critical"}


@dataclass(frozen=True, slots=True)
class Activity:
    """KQL of an event's class and activity; a registry event is of one class of two."""

    category: int
    class_uid: str
    class_name: str
    uid: str
    name: str
    profiles: tuple[str, ...] = ()

    def mapped(self, table: str, event: str, *lines: str, severity: str = "1") -> Map:
        """Return the map of a table: the fields that every event has, then those of the lines.

        `event` is KQL of an event's id.
        """
        profiles = ", ".join(f'"{name}"' for name in self.profiles)
        every = f"""
            time                is    {milliseconds("Timestamp")}
            category_uid        is    {self.category}
            category_name       is    "{CATEGORIES[self.category]}"
            class_uid           is    {self.class_uid}
            class_name          is    {self.class_name}
            activity_id         is    {self.uid}
            activity_name       is    {self.name}
            type_uid            is    ({self.class_uid}) * 100 + ({self.uid})
            severity_id         is    {severity}
            severity            is    {_severity(severity)}
            metadata.version    is    "{VERSION}"
            metadata.product.name         is    "Defender XDR"
            metadata.product.vendor_name  is    "Microsoft"
            metadata.log_name   is    "{table}"
            metadata.original_time        is    tostring(Timestamp)
            metadata.uid        text  {event}
            {f"metadata.profiles is pack_array({profiles})" if profiles else ""}
        """
        return Map.of("ocsf", table, every, *lines)


def _severity(uid: str) -> str:
    if uid == "1":
        return f'"{_SEVERITIES[1]}"'
    cases = ", ".join(f'{uid} == {number}, "{name}"' for number, name in _SEVERITIES.items())
    return f'case({cases}, "Unknown")'


def milliseconds(moment: str) -> str:
    """Return KQL of a time as OCSF counts it."""
    return f'datetime_diff("millisecond", {moment}, datetime(1970-01-01))'


def address(column: str) -> str:
    """Return KQL that is empty where the schema takes the text for no mail address."""
    pattern = r"^[a-zA-Z0-9!#$%&'*+/=?^_`{|}~.-]+@[a-zA-Z0-9-]+\.[a-zA-Z0-9.-]+$"
    return f'iff({column} matches regex @"{pattern}", {column}, "")'


def known(*columns: str) -> str:
    """Return KQL of the first column that is not empty, for a field that an event must have."""
    cases = ", ".join(f"isnotempty({column}), {column}" for column in columns)
    return f'case({cases}, "unknown")'


def hashes(at: str, prefix: str = "") -> str:
    """Return the line of a file's hashes."""
    columns = ((1, "MD5"), (2, "SHA1"), (3, "SHA256"))
    calls = ", ".join(f"digest({kind}, {prefix}{name})" for kind, name in columns)
    return f"{at}.hashes list array_concat({calls})"


def versions(at: str, prefix: str) -> str:
    """Return the lines of what a program says of itself."""
    return f"""
        {at}.company_name       text  {prefix}VersionInfoCompanyName
        {at}.desc               text  {prefix}VersionInfoFileDescription
        {at}.internal_name      text  {prefix}VersionInfoInternalFileName
        {at}.version            text  {prefix}VersionInfoProductVersion
    """


def user(at: str, prefix: str, *, entra: bool = True) -> str:
    """Return the lines of an account that may be missing."""
    lines = f"""
        {at}.name               text! {prefix}AccountName
        {at}.domain             text  {prefix}AccountDomain
        {at}.uid                text  {prefix}AccountSid
    """
    if not entra:
        return lines
    return f"""{lines}
        {at}.uid_alt            text  {prefix}AccountObjectId
        {at}.email_addr         text  {address(f"{prefix}AccountUpn")}
    """


def initiating_process(at: str) -> str:
    """Return the lines of the process that did it, and of its parent."""
    return f"""
        {at}.pid                whole! InitiatingProcessId
        {at}.name               text  InitiatingProcessFileName
        {at}.path               text  InitiatingProcessFolderPath
        {at}.cmd_line           text  InitiatingProcessCommandLine
        {at}.created_time       whole {milliseconds("InitiatingProcessCreationTime")}
        {at}.integrity          text  InitiatingProcessIntegrityLevel
        {at}.file.name          text! InitiatingProcessFileName
        {at}.file.type_id       is    1
        {at}.file.path          text  InitiatingProcessFolderPath
        {at}.file.size          whole InitiatingProcessFileSize
        {hashes(f"{at}.file", "InitiatingProcess")}
        {versions(f"{at}.file", "InitiatingProcess")}
        {at}.parent_process.pid   whole! InitiatingProcessParentId
        {at}.parent_process.name  text  InitiatingProcessParentFileName
        {at}.parent_process.created_time whole {milliseconds("InitiatingProcessParentCreationTime")}
    """


ACTOR: Final = f"""
    actor.app_name          is    {known("InitiatingProcessFileName")}
    {initiating_process("actor.process")}
    {user("actor.user", "InitiatingProcess")}
"""
DEVICE: Final = """
    device.type_id          is    0
    device.uid              text  DeviceId
    device.hostname         text  DeviceName
    metadata.event_code     text  ActionType
"""
DEVICE_EVENT: Final = 'strcat(DeviceId, "/", ReportId, "/", Timestamp)'
LOGON_STATUS: Final = """
    status_id               is    case(ActionType == "LogonSuccess", 1, ActionType == "LogonFailed", 2, 0)
    status                  is    case(ActionType == "LogonSuccess", "Success", ActionType == "LogonFailed", "Failure", "Unknown")
    status_detail           is    FailureReason
    auth_protocol           is    Protocol
    logon_type              is    LogonType
    metadata.event_code     text  ActionType
"""
