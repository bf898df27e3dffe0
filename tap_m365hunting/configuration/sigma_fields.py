"""Fields of Sigma whose conditions the Microsoft XDR pipeline of pySigma would drop or bend.

The pipeline rewrites their values as plain text, or leaves a condition out. A rule that would mean
something else for it is refused here, before the pipeline sees it.

Imported with the first rule, since pySigma takes half a second.
"""

import re
from collections.abc import Iterator
from typing import Final

from sigma.modifiers import SigmaAllModifier
from sigma.rule import SigmaDetection, SigmaDetectionItem, SigmaRule
from sigma.types import SigmaBool, SigmaCasedString, SigmaNumber, SigmaString

# The pipeline leaves these out; they say nothing new where they name the events of the category.
_EVENTS: Final = {
    "process_creation": {"1", "4688"},
    "network_connection": {"3"},
    "image_load": {"7"},
    "file_event": {"11"},
    "registry_event": {"12", "13", "14"},
    "registry_set": {"13"},
    "registry_add": {"12"},
    "registry_delete": {"12"},
}
_LEFT_OUT: Final = frozenset({"EventID", "EventCode", "ObjectType"})
_AS_TEXT: Final = frozenset(
    {
        "AccountName",
        "ActionType",
        "EventType",
        "InitiatingProcessAccountName",
        "ParentUser",
        "RequestAccountName",
        "SourceUser",
        "TargetUser",
        "User",
    }
)
_HASH: Final = re.compile(r"\*?(?:(MD5|SHA1|SHA256)[=|])?([0-9a-f]+)\*?", re.IGNORECASE)
_DIGITS: Final = {"MD5": 32, "SHA1": 40, "SHA256": 64}
_CONNECTED: Final = {"true": "Connection*", "false": "Inbound*"}


def prepare(rule: SigmaRule) -> None:
    """Refuse fields bent by the pipeline, and put `Initiated` as values of `ActionType`.

    Raises:
        NotImplementedError: the text names the field and the reason.
    """
    category = str(rule.logsource.category or "")
    for detection in rule.detection.detections.values():
        for item in _items(detection):
            _check(item, category)


def _items(detection: SigmaDetection) -> Iterator[SigmaDetectionItem]:
    for item in detection.detection_items:
        if isinstance(item, SigmaDetection):
            yield from _items(item)
        else:
            yield item


def _check(item: SigmaDetectionItem, category: str) -> None:
    name = item.field or ""
    if name in _LEFT_OUT:
        _check_event(item, category)
    elif name == "Hashes":
        _check_hashes(item)
    elif name == "Initiated" and category == "network_connection":
        _connected(item)
    elif name == "ParentImage" and category != "process_creation":
        _check_parent(item)
    elif name in _AS_TEXT:
        _check_text(item)


def _check_event(item: SigmaDetectionItem, category: str) -> None:
    known = _EVENTS.get(category, set())
    for value in item.value:
        if item.field == "ObjectType" or str(value) not in known:
            msg = f"The field {item.field} has no column, and {value} is not the category's event"
            raise NotImplementedError(msg)


def _check_text(item: SigmaDetectionItem) -> None:
    if SigmaAllModifier in item.modifiers:
        raise _unfit(item, "with `all`")
    for value in item.value:
        if type(value) not in (SigmaString, SigmaNumber):
            raise _unfit(item, f"with a {type(value).__name__.removeprefix('Sigma')}")


def _check_hashes(item: SigmaDetectionItem) -> None:
    _check_text(item)
    for value in item.value:
        found = _HASH.fullmatch(str(value))
        digits = len(found[2]) if found else 0
        wanted = _DIGITS.get((found[1] or "").upper()) if found else None
        if digits not in _DIGITS.values() or wanted not in (None, digits):
            msg = f"The hash {str(value)[:80]} is no whole MD5, SHA1 or SHA256, which have columns"
            raise NotImplementedError(msg)
    # each hash is a value of a column of its own, so nothing stands around it
    item.value = [SigmaString(str(value).strip("*")) for value in item.value]


def _check_parent(item: SigmaDetectionItem) -> None:
    _check_text(item)
    for value in item.value:
        folder, _, file = str(value).replace("/", "\\").rpartition("\\")
        if folder.strip("*") or not file.strip("*"):
            msg = f"The table has no folder of the parent process, which {str(value)[:80]} is about"
            raise NotImplementedError(msg)


def _connected(item: SigmaDetectionItem) -> None:
    """Put who opened the connection as the action: the table has no column for it."""
    if len(item.value) != 1 or not isinstance(item.value[0], SigmaString | SigmaBool):
        raise _unfit(item, "with other values than true or false")
    action = _CONNECTED.get(str(item.value[0]).lower())
    if action is None or SigmaCasedString in map(type, item.value):
        raise _unfit(item, "with other values than true or false")
    item.field, item.value = "ActionType", [SigmaString(action)]


def _unfit(item: SigmaDetectionItem, how: str) -> Exception:
    return NotImplementedError(f"The field {item.field} cannot be compared {how}")
