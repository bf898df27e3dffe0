"""Alerts, and the evidence of each, as events of ECS.

Pure.
"""

from typing import Final

from siem_maps.ecs.parts import HOST, Event, related, user
from siem_maps.expressions import listed
from siem_maps.fields import Map

_ALERTED: Final = """
    event.id                text  AlertId
    event.provider          text  ServiceSource
    event.severity          whole case(Severity == "Critical", 5, Severity == "High", 4, Severity == "Medium", 3, Severity == "Low", 2, Severity == "Informational", 1, long(null))
    rule.name               text  Title
    rule.ruleset            text  DetectionSource
    threat.framework        text  iff(isempty(AttackTechniques), "", "MITRE ATT&CK")
    threat.technique.id     list  extract_all(@"(T\\d{4})(?:\\.\\d{3})?", AttackTechniques)
    threat.technique.subtechnique.id list extract_all(@"(T\\d{4}\\.\\d{3})", AttackTechniques)
"""


MAPS: Final[tuple[Map, ...]] = (
    Event(
        category='pack_array(iff(Category == "Malware", "malware", "intrusion_detection"))',
        types='pack_array("info")',
        kind="alert",
    ).mapped(
        "AlertInfo",
        _ALERTED,
        f"""
        rule.category           text  Category
        threat.tactic.name      list  {listed("Category")}
        """,
    ),
    Event(
        category='pack_array("intrusion_detection")', types='pack_array("info")', kind="alert"
    ).mapped(
        "AlertEvidence",
        _ALERTED,
        f"""
        event.action            text  EntityType
        event.reason            text  EvidenceRole
        threat.tactic.name      list  todynamic(Categories)
        host.id                 text  DeviceId
        host.ip                 list  addresses(LocalIP)
        file.name               text  FileName
        file.path               text  FolderPath
        file.size               whole FileSize
        file.hash.sha1          text  SHA1
        file.hash.sha256        text  SHA256
        process.command_line    text  ProcessCommandLine
        registry.key            text  RegistryKey
        registry.value          text  RegistryValueName
        registry.data.strings   list  {listed("RegistryValueData")}
        destination.ip          ip    RemoteIP
        url.original            text  RemoteUrl
        email.local_id          text  NetworkMessageId
        email.subject           text  EmailSubject
        service.name            text  Application
        """,
        HOST,
        user(""),
        related("hash", "SHA1", "SHA256"),
        related("user", "AccountName", "AccountUpn"),
        related("hosts", "DeviceName"),
    ),
)
