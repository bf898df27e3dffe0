"""Answers as Graph writes them: 29 columns, some 1.3 kB a row, made from a seed."""

import json
import random
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

BAG: Final = {"@odata.type": "#microsoft.graph.security.dynamicColumnValue"}
COLUMNS: Final[Mapping[str, str]] = {
    "Timestamp": "DateTime",
    "DeviceId": "String",
    "DeviceName": "String",
    "ActionType": "String",
    "FileName": "String",
    "FolderPath": "String",
    "SHA1": "String",
    "SHA256": "String",
    "MD5": "String",
    "FileSize": "Int64",
    "ProcessVersionInfoCompanyName": "String",
    "ProcessVersionInfoProductName": "String",
    "ProcessId": "Int64",
    "ProcessCommandLine": "String",
    "ProcessIntegrityLevel": "String",
    "ProcessTokenElevation": "String",
    "ProcessCreationTime": "DateTime",
    "AccountDomain": "String",
    "AccountName": "String",
    "AccountSid": "String",
    "LogonId": "Int64",
    "InitiatingProcessFileName": "String",
    "InitiatingProcessCommandLine": "String",
    "InitiatingProcessParentFileName": "String",
    "IsProcessRemoteSession": "SByte",
    "IsInitiatingProcessRemoteSession": "SByte",
    "ReportId": "Int64",
    "AppGuardContainerId": "String",
    "AdditionalFields": "Object",
}
# the tap holds rows against the days that it has asked for
FIRST: Final = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(
    days=10
)
_TOOLS: Final = ("cmd.exe", "powershell.exe", "svchost.exe", "MsMpEng.exe", "chrome.exe", "bash")
# as often as a command line holds more than ASCII
_FOREIGN_SHARE: Final = 0.015


def _hex(random_: random.Random, digits: int) -> str:
    return f"{random_.getrandbits(4 * digits):0{digits}x}"


def _moment(at: datetime, ticks: int) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S}.{ticks:07}Z"


def _command(random_: random.Random, tool: str) -> str:
    folder = "München 你好 \U0001f600" if random_.random() < _FOREIGN_SHARE else "Temp"
    return f'{tool} /c "echo {_hex(random_, 4)}" > C:\\{folder}\\{random_.randrange(10**6)}.log'


def _flag(name: str, random_: random.Random) -> dict[str, Any]:
    """A flag, with the sidecar that tells its type; a missing one is an empty bag, without."""
    value = random_.choice((0, 1, 0, 1, None))
    return {name: {}} if value is None else {f"{name}@odata.type": "#SByte", name: value}


def _additional(random_: random.Random) -> dict[str, Any]:
    """A dynamic column, as an object that some rows have not."""
    if random_.random() < 0.2:
        return {}
    return {
        **BAG,
        "ThreadId": random_.randrange(10**5),
        "Reason": f"T{random_.randrange(2000)}",
        "Tags@odata.type": "#Collection(String)",
        "Tags": ["a", "b"],
    }


def _row(number: int, random_: random.Random) -> dict[str, Any]:
    at = FIRST + timedelta(milliseconds=number // 2 * 10)
    tool, parent = random_.choices(_TOOLS, k=2)
    created = _moment(at - timedelta(seconds=random_.randrange(999)), random_.randrange(10**7))
    return {
        "Timestamp": _moment(at, at.microsecond * 10 + 7),
        "DeviceId": _hex(random_, 40),
        "DeviceName": f"pc-{random_.randrange(5000):05}.contoso.com",
        "ActionType": "ProcessCreated",
        "FileName": tool,
        "FolderPath": f"C:\\Windows\\System32\\{tool}",
        "SHA1": _hex(random_, 40),
        "SHA256": "",
        "MD5": _hex(random_, 32),
        "FileSize": random_.randrange(10**7),
        "ProcessVersionInfoCompanyName": "Microsoft",
        "ProcessVersionInfoProductName": "",
        "ProcessId": random_.randrange(10**5),
        "ProcessCommandLine": _command(random_, tool),
        "ProcessIntegrityLevel": random_.choice(("System", "Medium", "")),
        "ProcessTokenElevation": "None",
        "ProcessCreationTime": {} if number % 10 == 0 else created,
        "AccountDomain": "contoso",
        "AccountName": f"user{random_.randrange(3000)}",
        "AccountSid": f"S-1-5-21-{random_.getrandbits(32)}-{random_.getrandbits(32)}",
        "LogonId@odata.type": "#Int64",
        "LogonId": random_.randrange(2**62),
        "InitiatingProcessFileName": parent,
        "InitiatingProcessCommandLine": _command(random_, parent),
        "InitiatingProcessParentFileName": parent,
        **_flag("IsProcessRemoteSession", random_),
        **_flag("IsInitiatingProcessRemoteSession", random_),
        "ReportId@odata.type": "#Int64",
        "ReportId": 639_199_803_770_000_000 + number,
        "AppGuardContainerId": "",
        "AdditionalFields": _additional(random_),
    }


def made(rows: int) -> Iterator[dict[str, Any]]:
    """Yield rows, in the order of their time."""
    random_ = random.Random(rows)
    for number in range(rows):
        yield _row(number, random_)


def compact(value: object) -> str:
    """Return the JSON text of a value, as the service has it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def answer(rows: int) -> bytes:
    """Return an answer's body with that many rows, in the order of their time."""
    return body(map(compact, made(rows)), COLUMNS).encode()


def body(rows: Iterable[str], columns: Mapping[str, str]) -> str:
    """Return an answer with rows of some columns, each the text of an object."""
    schema = [{"name": name, "type": type_} for name, type_ in columns.items()]
    context = (
        "https://graph.microsoft.com/v1.0/$metadata#microsoft.graph.security.huntingQueryResults"
    )
    head = compact({"@odata.context": context, "schema": schema})
    return f'{head[:-1]},"results":[{",".join(rows)}]}}'
