"""docs/auth/refusals.md is made of the tap's codes, by `python -m tests.tap.test_auth_page`."""

from itertools import groupby
from pathlib import Path
from typing import Final

from tap_m365hunting.auth.entra_errors import TRANSIENT, WAYS_OUT

PAGE: Final = Path(__file__).parents[2] / "docs" / "auth" / "refusals.md"
_HEAD: Final = """\
# What a refusal means

A refused sign-in carries a code of Entra ID. The tap shows Entra ID's own sentence, then what to
do, then the correlation id, which finds the attempt under *Sign-in logs*. Codes are Microsoft's
([its page](https://learn.microsoft.com/en-us/entra/identity-platform/reference-error-codes);
any single one: `https://login.microsoftonline.com/error?code=50058`) and may change; one that is
not here is shown with what to check.

| code (AADSTS…) | what to do |
| --- | --- |
"""
_TAIL: Final = """
These pass by themselves, and are tried again: {codes}.

A token that the API refuses is read, though not trusted, for what it says: that it is for another
API or tenant, that this machine's clock is behind, which permissions it has, and which the API
needs. A refusal for want of a licence is cured by no token and no permission.
"""


def page() -> str:
    """Return the page as it has to be now."""
    rows = [
        f"| {', '.join(str(code) for code, _ in codes)} | {way_out} |\n"
        for way_out, codes in groupby(WAYS_OUT.items(), key=lambda item: item[1])
    ]
    return "".join((_HEAD, *rows, _TAIL.format(codes=", ".join(map(str, sorted(TRANSIENT))))))


def test_page_is_of_these_codes() -> None:
    """What a reader looks up is what the tap says."""
    assert PAGE.read_text("utf-8") == page()


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
