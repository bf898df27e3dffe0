"""Parts that the maps to ECS have in common: hosts, processes, accounts.

Pure. Field names: https://www.elastic.co/docs/reference/ecs/ecs-field-reference
"""

from dataclasses import dataclass
from typing import Final

from siem_maps.expressions import listed
from siem_maps.fields import Map, snake_case

VERSION: Final = "9.4.0"


@dataclass(frozen=True, slots=True)
class Event:
    """An event's place in ECS; `category` and `types` are KQL."""

    category: str
    types: str
    kind: str = "event"

    def mapped(self, table: str, *lines: str) -> Map:
        """Return the map of a table: the fields that every event has, then those of the lines."""
        every = f"""
            @timestamp          is    Timestamp
            ecs.version         is    "{VERSION}"
            event.kind          is    "{self.kind}"
            event.category      is    {self.category}
            event.type          is    {self.types}
            event.module        is    "microsoft_defender_xdr"
            event.dataset       is    "microsoft_defender_xdr.{snake_case(table)}"
            observer.vendor     is    "Microsoft"
            observer.product    is    "Defender XDR"
        """
        return Map.of("ecs", table, every, *lines)


HOST: Final = """
    host.name           text  DeviceName
    host.hostname       text  tostring(split(DeviceName, ".")[0])
    host.domain         text  iff(DeviceName contains ".", substring(DeviceName, indexof(DeviceName, ".") + 1), "")
"""
DEVICE: Final = f"""
    event.action            text  ActionType
    event.sequence          whole ReportId
    host.id                 text  DeviceId
    {HOST}
"""


def hashes(at: str, prefix: str = "") -> str:
    """Return the hashes of a file or a program."""
    return f"""
        {at}.hash.md5       text  {prefix}MD5
        {at}.hash.sha1      text  {prefix}SHA1
        {at}.hash.sha256    text  {prefix}SHA256
    """


def versions(at: str, prefix: str) -> str:
    """Return what a program says of itself."""
    return f"""
        {at}.pe.company             text  {prefix}VersionInfoCompanyName
        {at}.pe.description         text  {prefix}VersionInfoFileDescription
        {at}.pe.file_version        text  {prefix}VersionInfoProductVersion
        {at}.pe.original_file_name  text  {prefix}VersionInfoOriginalFileName
        {at}.pe.product             text  {prefix}VersionInfoProductName
    """


def initiating_process(at: str = "process") -> str:
    """Return the process that did it, and what the process says of itself."""
    return f"""
        {at}.name           text  InitiatingProcessFileName
        {at}.executable     text  InitiatingProcessFolderPath
        {at}.command_line   text  InitiatingProcessCommandLine
        {at}.pid            whole InitiatingProcessId
        {at}.start          moment InitiatingProcessCreationTime
        {at}.entity_id      text  InitiatingProcessUniqueId
        {hashes(at, "InitiatingProcess")}
        {versions(at, "InitiatingProcess")}
    """


def user(prefix: str, *, mail: bool = True) -> str:
    """Return the account; in some tables without a mail address."""
    return f"""
        user.name           text  {prefix}AccountName
        user.domain         text  {prefix}AccountDomain
        user.id             text  {prefix}AccountSid
        {f"user.email       text  {prefix}AccountUpn" if mail else ""}
    """


def related(name: str, *columns: str) -> str:
    """Return the distinct values of columns, without empty ones."""
    return f"related.{name} list {listed(*columns)}"


OUTCOME: Final = """
    event.outcome is case(ActionType == "LogonSuccess", "success", ActionType == "LogonFailed", "failure", "unknown")
    event.reason            text  FailureReason
"""
