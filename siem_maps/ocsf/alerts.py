"""Alerts, and the evidence of each, as events of OCSF.

Pure.
"""

from typing import Final

from siem_maps.expressions import listed
from siem_maps.fields import Map
from siem_maps.ocsf.parts import Activity, known, user

_SEVERITY: Final = (
    'case(Severity == "Informational", 1, Severity == "Low", 2, Severity == "Medium", 3, '
    'Severity == "High", 4, Severity == "Critical", 5, 0)'
)

# ids alone are put between the quotes: "T", digits and a dot
_ATTACKS: Final = (
    'iff(AttackTechniques matches regex @"T\\d{4}", parse_json(strcat(\'[{"technique":{"uid":"\', '
    'strcat_array(extract_all(@"(T\\d{4}(?:\\.\\d{3})?)", AttackTechniques), '
    '\'"}},{"technique":{"uid":"\'), \'"}}]\')), dynamic([]))'
)

_FINDING: Final = f"""
    message                 is    Title
    finding_info.uid        is    AlertId
    finding_info.title      text  Title
    finding_info.data_sources     list  {listed("ServiceSource", "DetectionSource")}
    finding_info.product.name     text! ServiceSource
    finding_info.product.vendor_name  is "Microsoft"
    finding_info.attacks    list  {_ATTACKS}
"""


MAPS: Final[tuple[Map, ...]] = (
    Activity(2, "2004", '"Detection Finding"', "1", '"Create"').mapped(
        "AlertInfo",
        "AlertId",
        _FINDING,
        f"finding_info.types list {listed('Category')}",
        severity=_SEVERITY,
    ),
    Activity(2, "2004", '"Detection Finding"', "2", '"Update"').mapped(
        "AlertEvidence",
        'strcat(AlertId, "/", EntityType, "/", Timestamp)',
        _FINDING,
        f"""
        finding_info.types      list  todynamic(Categories)
        evidences[].name        text  EntityType
        evidences[].data.role   text  EvidenceRole
        evidences[].data.type   is    {known("EntityType")}
        evidences[].data.command_line  text ProcessCommandLine
        evidences[].data.application   text Application
        evidences[].data.message_uid   text NetworkMessageId
        evidences[].data.email_subject text EmailSubject
        evidences[].file.name   text! FileName
        evidences[].file.type_id      is 1
        evidences[].file.path   text  FolderPath
        evidences[].file.size   whole FileSize
        evidences[].file.hashes list  array_concat(digest(2, SHA1), digest(3, SHA256))
        {user("evidences[].user", "")}
        evidences[].device.uid  text! DeviceId
        evidences[].device.type_id    is 0
        evidences[].device.hostname   text DeviceName
        evidences[].device.ip   ip    LocalIP
        evidences[].dst_endpoint.ip   ip RemoteIP
        evidences[].url.url_string    text! RemoteUrl
        evidences[].reg_key.path      text! RegistryKey
        evidences[].reg_value.path    text! iff(isempty(RegistryValueName), "", RegistryKey)
        evidences[].reg_value.name    is RegistryValueName
        evidences[].reg_value.data    text RegistryValueData
        """,
        severity=_SEVERITY,
    ),
)
