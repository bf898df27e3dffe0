"""The values of columns of inventories: devices, software, weaknesses, apps, exposure.

Pure.
"""

from collections.abc import Mapping
from typing import Final

from hunting_emulator.data.company import (
    ACCOUNT,
    DEVICE_NAME,
    DOMAIN,
    NETBIOS,
    OBJECT_ID,
    as_text,
    chance,
    dynamic,
    either,
    guid,
    hexadecimal,
    moment,
    number,
    one_of,
)

_CVE: Final = "'CVE-' || (2019 + k % 8) || '-' || (20000 + k * 37 % 700)"
_LEVEL: Final = one_of("level", "Low", "Medium", "High")
_SEVERITY: Final = one_of("severity", "Low", "Medium", "High", "Critical")
_SETTING: Final = either(
    "old",
    300,
    f"'scid-' || (40 + {number('setting', 60)})",
    either(
        "firm",
        300,
        f"'scid-' || (2500 + {number('setting', 15)})",
        f"'scid-' || (2000 + {number('setting', 100)})",
    ),
)
_SETTINGS: Final = one_of("kind", "Security controls", "Accounts", "Network", "OS", "Application")
_SOFTWARE: Final = {
    "SoftwareVendor": one_of(
        "vendor",
        *("microsoft", "microsoft", "microsoft", "google", "mozilla", "adobe", "oracle", "7-zip"),
        *("rarlab", "openssl", "apache", "python", "tukaani", "openprinting", "zoom", "anydesk"),
        *("microsoft", "microsoft", "openbsd", "videolan", "fortinet", "microsoft"),
    ),
    "SoftwareName": one_of(
        "vendor",
        *("windows_11", "edge_chromium-based", "teams", "chrome", "firefox", "acrobat_reader_dc"),
        *("jre", "7-zip", "winrar", "openssl", "log4j", "python", "xz", "cups", "zoom", "anydesk"),
        *(
            "windows_10",
            "windows_server_2019",
            "openssh",
            "vlc_media_player",
            "forticlient",
            "office",
        ),
    ),
}
_ISOLATED: Final = """'{"Isolated":"true","BlockedByNetworkProtection":"false"}'"""
_CRITICAL: Final = f"""json_object('criticalityLevel', {number("critical", 4)},
  'ruleBasedCriticalityLevel', {number("critical", 4)},
  'ruleNames', json_array('Domain Controller', 'Sensitive server'))"""
_NODE: Final = f"""json_object('rawData', json_object('name', {DEVICE_NAME}, 'deviceName',
  {DEVICE_NAME}, 'exposureLevel', {_LEVEL}, 'exposureScore', {_LEVEL}, 'riskScore', {_LEVEL},
  'criticalityLevel', {either("rated", 400, _CRITICAL, "NULL")}, 'isInternetFacing',
  {chance("facing", 150)}, 'exposedToInternet', json_object('reasons', json_array('open port')),
  'vulnerableToRCE', json_object('maxCvssScore', 9.8), 'tags', json_array('Sensitive'),
  'onboardingStatus', 'Onboarded', 'sensorHealthState', 'Active', 'osPlatform', 'Windows11',
  'accountUpn', {ACCOUNT} || '@{DOMAIN}', 'hasLeakedCredentials', {chance("leaked", 50)},
  'identityMetadata', json_object('data', json_object('name', {ACCOUNT})),
  'managedIdentityMetadata', json_object('type', 'systemAssigned', 'data',
    json_object('accountType', 'SystemAssigned', 'attachedResourceId', '/subscriptions/vm')),
  'highRiskVulnerabilityInsights', json_object('hasHighOrCritical', {chance("yes", 500)},
    'count', {number("cves", 40)}), 'deviceDynamicTags', json_array()))"""
_ENTITY_IDS: Final = f"""json_array(
  CAST(json_object('type', 'DeviceInventoryId', 'id', {guid("'node' || k")}) AS VARCHAR),
  CAST(json_object('type', 'EntraObjectId', 'id', {OBJECT_ID}) AS VARCHAR))"""
_LABELS: Final = (
    *("device", "device", "user", "group", "serviceprincipal", "managedidentity", "Cve"),
    *("microsoft.compute/virtualmachines", "microsoft.keyvault/vaults", "entra-userCookie"),
)
_KINDS: Final = one_of(
    "label",
    *['["compute","device","virtual_machine"]'] * 2,
    *['["identity"]'] * 4,
    '["vulnerability"]',
    '["compute","virtual_machine"]',
    '["keys"]',
    '["credential"]',
)
_EDGES: Final = (
    *("can authenticate as", "can authenticate to", "has permissions to", "routes traffic to"),
    *("has credentials of", "member of", "affecting", "contains", "frequently logged in by"),
)

INVENTORIES: Final[Mapping[str, Mapping[str, str]]] = {
    "DeviceInfo": {
        "ReportId": "639199803770000000 + CAST(k AS BIGINT)",
        "OSBuild": either("build", 50, "NULL", f"22621 + {number('os', 1500)}"),
        "OnboardingStatus": one_of(
            "state", "Onboarded", "Onboarded", "Can be onboarded", "Unsupported"
        ),
        "LoggedOnUsers": as_text(
            f"json_array(json_object('UserName', {ACCOUNT}, 'DomainName', '{NETBIOS}', 'Sid', ''))"
        ),
        "ExposureLevel": one_of("exposure", "Low", "Medium", "High"),
        "DeviceType": one_of(
            "type", *["Workstation"] * 6, "Server", "Server", "NetworkDevice", "IoT", "Printer"
        ),
        "DeviceCategory": one_of("type", *["Endpoint"] * 8, "NetworkDevice", "IoT", "IoT"),
        "SensorHealthState": one_of("health", *["Active"] * 8, "Inactive", "NoSensorData"),
        "JoinType": one_of("join", "AAD Joined", "Hybrid Azure AD Join", "Domain Joined", ""),
        "AssetValue": one_of("value", "", "", "Normal", "High"),
        "ConnectivityType": one_of("connected", "Streamlined", "Standard", ""),
        "CloudPlatforms": one_of("cloud", *[""] * 6, "Azure", "AWS", "GCP"),
        "MitigationStatus": either("isolated", 30, _ISOLATED, "''"),
        "DeviceManualTags": either("tagged", 200, """'["Pilot"]'""", "''"),
        "MachineGroup": one_of("group", "Workstations", "Servers", "UnassignedGroup"),
        "ClientVersion": "'10.8760.26100.' || (1000 + d % 90)",
        "IsInternetFacing": chance("facing", 30),
    },
    "DeviceTvmSoftwareInventory": {
        **_SOFTWARE,
        "EndOfSupportStatus": one_of("end", "", "", "EOS Version", "EOS Software", "Upcoming EOS"),
    },
    "DeviceTvmSoftwareVulnerabilities": {
        **_SOFTWARE,
        "CveId": _CVE,
        "VulnerabilitySeverityLevel": _SEVERITY,
        "CveTags": dynamic(either("zero", 30, "json_array('ZeroDay')", "json_array()")),
        "OSArchitecture": "'x64'",
        "RecommendedSecurityUpdate": one_of("update", "November 2026 Security Updates", "", ""),
    },
    "DeviceTvmSoftwareVulnerabilitiesKB": {
        "CveId": _CVE,
        "CvssScore": f"CAST(3 + {number('score', 70)} / 10.0 AS VARCHAR)",
        "VulnerabilitySeverityLevel": _SEVERITY,
        "PublishedDate": moment(f"t - {number('published', 60)} * 86400000000000"),
    },
    "DeviceTvmSecureConfigurationAssessment": {
        "ConfigurationId": _SETTING,
        "ConfigurationCategory": _SETTINGS,
        "IsApplicable": chance("applies", 900),
        "IsCompliant": chance("complies", 600),
        "Context": dynamic("json_array(json_array('1.421.1', '2026-11-20'))"),
    },
    "DeviceTvmSecureConfigurationAssessmentKB": {
        "ConfigurationId": "'scid-' || (2000 + k % 100)",
        "ConfigurationCategory": _SETTINGS,
        "ConfigurationName": "'Setting ' || k",
        "ConfigurationImpact": f"{number('impact', 10)} * 1.0",
    },
    "DeviceTvmBrowserExtensions": {
        "BrowserName": one_of("browser", "chrome", "edge", "firefox"),
        "ExtensionId": hexadecimal(f"'ext' || {number('extension', 40)}", 32),
        "ExtensionName": f"'Extension ' || {number('extension', 40)}",
        "ExtensionRisk": one_of("risk", "Low", "Medium", "High", "Critical"),
        "IsActivated": "'true'",
    },
    "OAuthAppInfo": {
        "AppName": f"'App ' || {number('app', 60)}",
        "AppStatus": one_of("state", "Enabled", "Enabled", "Disabled"),
        "PrivilegeLevel": _LEVEL,
        "AppOrigin": one_of("origin", "Internal", "External", "External"),
        "VerifiedPublisher": dynamic("json_object()"),
        "IsAdminConsented": chance("admin", 400),
        "Permissions": dynamic(
            f"""json_array(json_object('PermissionValue',
            {one_of("grant", "Mail.Read", "Files.ReadWrite.All", "Directory.ReadWrite.All")},
            'PermissionType', 'Application', 'PrivilegeLevel', {_LEVEL}, 'InUse', 'true',
            'TargetAppDisplayName', 'Microsoft Graph'))"""
        ),
    },
    "ExposureGraphNodes": {
        "NodeId": guid("'node' || k"),
        "NodeLabel": one_of("label", *_LABELS),
        "NodeName": DEVICE_NAME,
        "Categories": dynamic(_KINDS),
        "NodeProperties": dynamic(_NODE),
        "EntityIds": dynamic(_ENTITY_IDS),
    },
    "ExposureGraphEdges": {
        "EdgeId": guid("'edge' || k"),
        "EdgeLabel": one_of("edge", *_EDGES),
        "SourceNodeId": guid("'node' || k"),
        "SourceNodeName": DEVICE_NAME,
        "SourceNodeLabel": one_of("label", *_LABELS),
        "SourceNodeCategories": dynamic(_KINDS),
        "TargetNodeId": guid("'node' || (k + 1)"),
        "TargetNodeName": either("domain", 300, f"'{DOMAIN}'", DEVICE_NAME),
        "TargetNodeLabel": one_of("target", *_LABELS),
        "TargetNodeCategories": dynamic(_KINDS),
        "EdgeProperties": dynamic(
            "json_object('rawData', json_object('permissions', json_array('read')))"
        ),
    },
}
