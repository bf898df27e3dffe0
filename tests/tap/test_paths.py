"""Records that are written as encoded texts are those that the SDK would have written."""

import logging
from typing import Any

import pytest

from tests.tap.harness import Tenant, at
from tests.tap.test_coverage import catalog

EVENTS: dict[str, Any] = {"name": "events", "query": "DeviceProcessEvents"}


COMMANDS = ['cmd.exe /c "dir"', "\u4f60\u597d \U0001f600", "tab\there"]


@pytest.fixture
def busy(tenant: Tenant) -> Tenant:
    """A tenant with process events of every kind of value."""
    tenant.emulator.engine.load(
        "DeviceProcessEvents",
        [
            {
                "Timestamp": at(minutes=30 + number),
                "DeviceName": f"pc{number}",
                "ProcessCommandLine": COMMANDS[number % 3],
                "ReportId": 639199803770463703 + number,
                "LogonId": number,
                "ProcessCreationTime": at(hours=1) if number % 2 else None,
                "IsInitiatingProcessRemoteSession": [True, False, None][number % 3],
                "AdditionalFields": {"a": [1, {"b": None}]} if number % 2 else "",
            }
            for number in range(50)
        ],
    )
    return tenant


def test_both_paths_write_the_same_records(busy: Tenant) -> None:
    """A stream map that changes nothing takes the SDK's way, with the same result."""
    encoded = busy.sync(EVENTS)
    plain = busy.sync(EVENTS, stream_maps={"events": {"__filter__": "True"}})

    assert len(encoded.records("events")) == 50
    assert plain.records("events") == encoded.records("events")


def test_deselected_columns_are_left_out(busy: Tenant) -> None:
    """The row's id is made from all of it, whatever is selected."""
    streams = catalog(busy, EVENTS)
    (entry,) = [stream for stream in streams["streams"] if stream["stream"] == "events"]
    entry["metadata"].append(
        {"breadcrumb": ["properties", "ProcessCommandLine"], "metadata": {"selected": False}}
    )
    entry["metadata"] = [
        about
        for about in entry["metadata"]
        if about["breadcrumb"] != ["properties", "ProcessCommandLine"]
        or about["metadata"].get("selected") is False
    ]

    some = busy.sync(EVENTS, catalog=streams)
    everything = busy.sync(EVENTS)

    assert some.records("events") == [
        {name: value for name, value in record.items() if name != "ProcessCommandLine"}
        for record in everything.records("events")
    ]
    assert "ProcessCommandLine" not in some.schemas("events")[0]["schema"]["properties"]


def test_records_are_counted_one_by_one(busy: Tenant, caplog: pytest.LogCaptureFixture) -> None:
    """Metrics tell of records, not of what they were written in."""
    caplog.set_level(logging.INFO, "singer_sdk.metrics")

    busy.sync(EVENTS)

    assert any('"record_count","value":50' in message for message in caplog.messages)


def test_twins_in_all_but_case_both_survive(busy: Tenant) -> None:
    """DeviceProcessEvents has LogonId and LogonID; loaders fold case."""
    (schema,) = busy.sync(EVENTS).schemas("events")

    names = [name.lower() for name in schema["schema"]["properties"]]
    assert len(names) == len(set(names)) == 70
