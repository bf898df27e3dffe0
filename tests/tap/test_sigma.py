"""Sigma rules become hunting queries that windows can bound."""

import subprocess
import sys
from pathlib import Path

import pytest

from tap_m365hunting import kql
from tap_m365hunting.configuration.sigma import files, stream_name, to_kql
from tap_m365hunting.kql import Mode

pytest.importorskip("sigma.backends.kusto", reason="the extra sigma is not installed")

FOLDER = Path(__file__).with_name("sigma")
TABLES = {
    "lnx_history_cleared": "DeviceProcessEvents",
    "win_discovery_as_system": "DeviceProcessEvents",
    "win_encoded_powershell": "DeviceProcessEvents",
    "win_file_in_startup": "DeviceFileEvents",
    "win_lsass_dump": "DeviceProcessEvents",
    "win_odd_host": "DeviceNetworkEvents",
    "win_office_child": "DeviceProcessEvents",
    "win_run_key": "DeviceRegistryEvents",
    "win_shadow_copies_deleted": "DeviceProcessEvents",
    "win_unsigned_print_module": "DeviceImageLoadEvents",
}
RULE = """
title: A rule
logsource: {{category: {category}}}
detection:
  one: {{{field}: x}}
  condition: {condition}
"""


def text_of(file: Path) -> str:
    """Read as the tap does."""
    return file.read_text("utf-8")


def rule(category: str = "process_creation", field: str = "Image", condition: str = "one") -> str:
    """Return a small rule."""
    return RULE.format(category=category, field=field, condition=condition)


def test_a_folder_of_rules_is_a_stream_each() -> None:
    """Named after the file, in a fixed order, each over the table of its category."""
    found = {
        name: to_kql(text_of(file)).split("\n")[0] for name, file in files(str(FOLDER)).items()
    }

    assert found == TABLES
    assert list(found) == sorted(found)


@pytest.mark.parametrize("name", TABLES)
def test_a_rule_is_read_incrementally_as_it_comes(name: str) -> None:
    """Nothing in a rule limits or aggregates rows, so nothing is to be said of it."""
    text = to_kql(text_of(FOLDER / f"{name}.yml"))

    verdict = kql.assess(kql.read(text))

    assert (verdict.mode, verdict.cursor, verdict.problems) == (Mode.INCREMENTAL, "Timestamp", ())


def test_what_a_rule_says_is_what_is_asked() -> None:
    """Quotes, pipes and semicolons of a value stay within its string."""
    text = to_kql(text_of(FOLDER / "win_discovery_as_system.yml"))

    assert r'ProcessCommandLine contains "audit | take 5; // \"nightly\""' in text
    assert r'FolderPath endswith "\\whoami.exe"' in text
    assert r'strcat(AccountDomain, "\\", AccountName) contains "SYSTEM"' in text


def test_a_rule_is_turned_alike_whatever_came_before() -> None:
    """A rule that fails leaves nothing behind for the next."""
    before = to_kql(rule())
    for field in ("Unheard", "Unknown"):
        with pytest.raises(ValueError, match=f"encountered: {field}$"):
            to_kql(rule(field=field))

    assert to_kql(rule()) == before


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "one YAML document", id="empty"),
        pytest.param("- a", "one YAML document", id="list"),
        pytest.param(rule() + "---\n" + rule(), "one YAML document", id="two-rules"),
        pytest.param("a: [", "not YAML", id="not-yaml"),
        pytest.param("a: b", "must have a title", id="no-rule"),
        pytest.param(rule(category="webserver"), "Unable to determine table", id="no-table"),
        pytest.param(rule(condition="one and"), "cannot be turned into KQL", id="bad-condition"),
        pytest.param(rule(condition="[one, not one]"), "2 conditions", id="two-conditions"),
        pytest.param(
            "title: a\nlogsource: {category: process_creation}\ndetection: {s: , condition: s}",
            "cannot be turned into KQL",
            id="empty-detection",
        ),
        pytest.param(rule() + "id: 5\n", "cannot be turned into KQL", id="id-that-is-none"),
        pytest.param(rule() + "date: [1]\n", "cannot be turned into KQL", id="date-that-is-none"),
        pytest.param(rule() + "level: {}\n", "cannot be turned into KQL", id="level-that-is-none"),
    ],
)
def test_what_is_no_hunting_rule_is_refused_in_one_line(text: str, message: str) -> None:
    """The reason fits in a log line, and comes from pySigma where that has one."""
    with pytest.raises(ValueError, match=message) as caught:
        to_kql(text)

    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_two_rules_of_one_name_are_refused(tmp_path: Path) -> None:
    """A stream of two rules would be neither."""
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "Same rule.yml").write_text(rule(), "utf-8")

    with pytest.raises(ValueError, match="both be the stream same_rule"):
        files(str(tmp_path))


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("a-b c.yml", "a_b_c"),
        ("7zip.yml", "sigma_7zip"),
        ("Über.yml", "ber"),
        ("x" * 80 + ".yml", "x" * 63),
        ("(…).yml", "sigma_"),
    ],
)
def test_a_stream_is_named_after_its_file(file: str, name: str) -> None:
    """In letters, digits and underscores, at most 63."""
    assert stream_name(Path(file)) == name


def test_pysigma_is_not_imported_for_nothing() -> None:
    """Half a second of start-up is for those who have rules."""
    module = "tap_m365hunting.configuration.sigma"
    code = f"import sys, {module}; sys.exit('sigma.collection' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_without_the_extra_the_message_says_how_to_install_it(tmp_path: Path) -> None:
    """The command, not a traceback."""
    code = (
        "import sys; sys.modules['sigma.backends.kusto'] = None\n"
        "from tap_m365hunting.configuration.sigma import to_kql\n"
        "try: to_kql('title: a')\n"
        "except ValueError as error: print(error)"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=tmp_path
    )

    assert "pip install 'tap-m365hunting[sigma]'" in done.stdout
