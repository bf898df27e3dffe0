"""The values of columns of devices: files, sessions, network, registry, weaknesses.

Pure. The values are those that Microsoft's documentation lists for the columns.
"""

from collections.abc import Mapping
from typing import Final

from hunting_emulator.data.company import (
    COMPANY,
    DEVICE_ID,
    DOMAIN,
    as_text,
    chance,
    dynamic,
    either,
    guid,
    hexadecimal,
    number,
    one_of,
    pick,
)

_NONE: Final = "''"
_BOARD: Final = "'board' || d - d % 9 % 2"
_SITE: Final = pick(COMPANY["sites"], number("from", 10))
_FILES: Final = {
    "FileOriginUrl": either("loaded", 60, f"'https://' || {_SITE} || '/files/' || k", _NONE),
    "FileOriginReferrerUrl": either("loaded", 60, f"'https://' || {_SITE} || '/'", _NONE),
    "FileOriginIP": either("loaded", 60, f"'203.0.113.' || {number('origin', 254)}", _NONE),
}
_SESSION: Final = {
    "InitiatingProcessRemoteSessionDeviceName": either("rdp", 20, "'lap-0007'", _NONE),
    "InitiatingProcessRemoteSessionIP": either("rdp", 20, "'10.0.0.8'", _NONE),
    "IsInitiatingProcessRemoteSession": chance("rdp", 20),
    "InitiatingProcessUniqueId": f"CAST({number('unique', 1_500_000_000)} AS VARCHAR)",
}
_ANTIVIRUS: Final = f"""json_object('AvMode', {one_of("mode", "0", "0", "0", "1", "2", "4")},
  'AvEngineVersion', '1.1.2' || {number("engine", 5)} || '010.5',
  'AvSignatureVersion', '1.4' || {number("signature", 30)} || '.12.0',
  'AvPlatformVersion', '4.18.2' || {number("platform", 9)} || '010.11',
  'AvIsEngineUptodate', CAST({chance("engine", 700)} AS VARCHAR),
  'AvIsSignatureUptoDate', CAST({chance("signature", 700)} AS VARCHAR),
  'AvIsPlatformUptodate', CAST({chance("platform", 700)} AS VARCHAR),
  'CloudProtectionState', CAST({chance("cloud", 900)} AS VARCHAR),
  'IsWindowsLtscVersionRunning', CAST({chance("ltsc", 50)} AS VARCHAR),
  'TlsClient10', {one_of("tls", "Enabled", "Disabled")}, 'EBPFStatus', '1',
  'AsrConfigurationStates', json_object('BlockCredentialStealing',
    {one_of("asr", "Block", "Audit", "Off")}, 'BlockExecutableContentFromEmail', 'Block'))"""
_GROUP: Final = one_of(
    "part",
    *("Antivirus", "EDR", "Attack Surface Reduction", "Firewall", "BitLocker", "SmartScreen"),
)
_NAME: Final = one_of(
    "part",
    "Turn on real-time protection",
    "Fix Microsoft Defender for Endpoint sensor data collection",
    "Block credential stealing from the Windows local security authority subsystem (lsass.exe)",
    "Secure Microsoft Defender Firewall public profile",
    "Encrypt all BitLocker-supported drives",
    "Set Microsoft Defender SmartScreen to block",
)

DEVICES: Final[Mapping[str, Mapping[str, str]]] = {
    "DeviceEvents": {**_FILES, **_SESSION},
    "DeviceFileEvents": {
        **_FILES,
        **_SESSION,
        "PreviousFileName": one_of("action", "", "", "~tmp.docx", ""),
        "ShareName": either("shared", 30, "'data$'", _NONE),
        "RequestProtocol": either("shared", 30, "'Smb'", "'Local'"),
        "SensitivityLabel": either("labelled", 50, "'Confidential'", _NONE),
        "SensitivitySubLabel": either("labelled", 50, "'All employees'", _NONE),
    },
    "DeviceInfo": {
        "AdditionalFields": as_text("json_object('Roles', json_array('Workstation'))"),
        "DeviceSubtype": one_of(
            "type", *["Workstation"] * 6, "Server", "Server", "Router", "Camera"
        ),
        "DeviceDynamicTags": either("dynamic", 150, """'["Critical"]'""", _NONE),
        "HardwareUuid": f"upper({guid(_BOARD)})",
        "HostDeviceId": either("guest", 40, DEVICE_ID, _NONE),
        "MergedToDeviceId": either("merged", 20, DEVICE_ID, _NONE),
        "Model": pick(("Latitude 7440", "ThinkPad T14", "EliteBook 840", "Virtual Machine"), "d"),
        "Vendor": pick(("Dell", "Lenovo", "HP", "Microsoft Corporation"), "d"),
        "OSDistribution": pick((*[""] * 3, "macOS", *[""] * 2, "Ubuntu", *[""] * 7), "d"),
        "OSVersionInfo": pick(("23H2", "22H2", "24H2", "", "25H2", "21H2", "", "1809"), "d"),
        "OsBuildRevision": f"CAST({number('revision', 5000)} AS VARCHAR)",
        "RegistryDeviceTag": either("kiosk", 100, "'Kiosk'", _NONE),
        "AzureResourceId": either("azure", 100, "'/subscriptions/47/vm-' || d", _NONE),
    },
    "DeviceNetworkInfo": {
        "NetworkAdapterStatus": one_of("up", "Up", "Up", "Up", "Down"),
        "NetworkAdapterType": one_of("adapter", "Ethernet", "Wireless80211", "Tunnel"),
        "ConnectedNetworks": as_text(
            f"json_array(json_object('Name', {one_of('net', DOMAIN, 'Guest', 'Home')}, "
            "'Description', '', 'IsConnectedToInternet', true, "
            f"'Category', {one_of('net', 'Domain', 'Public', 'Private')}))"
        ),
        "DefaultGateways": """'["10.0.0.1"]'""",
        "OnboardingStatus": one_of("state", "Onboarded", "Onboarded", "Can be onboarded"),
    },
    **dict.fromkeys(
        ("DeviceImageLoadEvents", "DeviceNetworkEvents", "DeviceProcessEvents"), _SESSION
    ),
    "DeviceRegistryEvents": {
        **_SESSION,
        "PreviousRegistryValueName": one_of("value", "Start", "LastUsed", "(Default)", "Größe"),
        "PreviousRegistryValueData": one_of("old", "0", "", "%SystemRoot%\\system32"),
    },
    "DeviceTvmCertificateInfo": {
        "Thumbprint": hexadecimal("'thumb' || k", 40),
        "Path": "'LocalMachine\\My'",
        "IssuedTo": dynamic(f"json_object('CommonName', 'srv-' || d || '.{DOMAIN}')"),
        "IssuedBy": dynamic(
            f"json_object('CommonName', {one_of('ca', 'Contoso CA', 'DigiCert', 'localhost')})"
        ),
        "SignatureAlgorithm": one_of("sign", "sha256RSA", "sha256RSA", "sha1RSA"),
        "KeySize": one_of("size", "2048", "4096", "1024", "0"),
        "ExpirationDate": f"'2026-' || lpad(CAST(1 + {number('month', 12)} AS VARCHAR), 2, '0') "
        "|| '-17 12:00:00'",
    },
    "DeviceTvmInfoGathering": {"AdditionalFields": dynamic(_ANTIVIRUS)},
    "DeviceTvmSecureConfigurationAssessment": {"ConfigurationSubcategory": _GROUP},
    "DeviceTvmSecureConfigurationAssessmentKB": {
        "ConfigurationId": "'scid-' || CASE WHEN k % 175 < 60 THEN 40 + k % 175 WHEN k % 175 < 75 "
        "THEN 2440 + k % 175 ELSE 1925 + k % 175 END",
        "ConfigurationSubcategory": _GROUP,
        "ConfigurationName": _NAME,
        "ConfigurationDescription": "'Keeps devices as Microsoft advises'",
        "RiskDescription": "'Devices are easier to attack'",
    },
    "DeviceTvmSoftwareVulnerabilities": {
        "RecommendedSecurityUpdateId": one_of("update", "KB5068861", "", "")
    },
}
