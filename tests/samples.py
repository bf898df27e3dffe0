"""Answers captured from the service or printed in its documents, where they are at hand."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[2] / "shared" / "samples"


@dataclass(frozen=True, slots=True)
class Sample:
    """One answer: its status, headers and body as the server sent it."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The rows of a sample that has nothing else."""
        found: list[dict[str, Any]] = json.loads(self.body)["results"]
        return found


def sample(name: str) -> Sample:
    """Load a sample, or skip the test where the samples are not."""
    path = FOLDER / f"{name}.json"
    if not path.exists():
        pytest.skip(f"no sample {name} beside this checkout")
    told = json.loads(path.read_text(encoding="utf-8"))
    body = told["body"]
    text = body if isinstance(body, str) else "" if body is None else json.dumps(body)
    return Sample(told["http_status"], told.get("response_headers", {}), text.encode())


#: The schema lines of captures that were kept without one, from the documented types.
SCHEMA_LINES = {
    "graph_200_live_oauthapp_row": (
        "ReportId:String Timestamp:DateTime OAuthAppId:String ServicePrincipalId:String "
        "AppName:String AddedOnTime:DateTime LastModifiedTime:DateTime AppStatus:String "
        "PrivilegeLevel:String Permissions:Object IsAdminConsented:SByte "
        "AppOrigin:String AppOwnerTenantId:String LastUsedTime:DateTime RiskScore:Int32 "
        "AssignedRoles:Object ConsentedUsersCount:Int64 VerifiedPublisher:Object"
    ),
    "graph_200_live_secureconfig_row": (
        "DeviceId:String DeviceName:String OSPlatform:String Timestamp:DateTime "
        "ConfigurationId:String ConfigurationCategory:String "
        "ConfigurationSubcategory:String ConfigurationImpact:Double IsCompliant:SByte "
        "IsApplicable:SByte Context:Object IsExpectedUserImpact:SByte"
    ),
    "graph_200_live_vulnerability_rows": (
        "CveId:String CveTags:Object CveMitigationStatus:String CveId1:String "
        "CvssScore:Double EpssScore:Double IsExploitAvailable:SByte "
        "PublishedDate:DateTime"
    ),
    "graph_200_live_aggregate_rows_no_sidecar": (
        "VulnerabilitySeverityLevel:String IsExploitAvailable:SByte instances:Int64 "
        "devices:Int64 cves:Int64 max_cvss:Double max_epss:Double"
    ),
    "graph_200_live_exposuregraph_nodes": (
        "NodeLabel:String NodeId:String Categories:Object EntityIds:Object NodeProperties:Object"
    ),
    "graph_200_live_exposuregraph_edge": (
        "EdgeLabel:String SourceNodeCategories:Object EdgeProperties:Object"
    ),
}


def captured(name: str) -> bytes:
    """Return the body of a captured answer, with its schema line."""
    body = sample(name).body
    if name not in SCHEMA_LINES:
        return body
    columns = (column.split(":") for column in SCHEMA_LINES[name].split())
    schema = [{"name": column, "type": kind} for column, kind in columns]
    return json.dumps({"schema": schema, "results": json.loads(body)["results"]}).encode()
