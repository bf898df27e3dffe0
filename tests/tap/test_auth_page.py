"""docs/auth/refusals.md is made of the tap's codes, by `python -m tests.tap.test_auth_page`."""

from itertools import groupby
from pathlib import Path
from typing import Final

from tap_m365hunting.auth.entra_errors import TRANSIENT, WAYS_OUT

PAGE: Final = Path(__file__).parents[2] / "docs" / "auth" / "refusals.md"
_HEAD: Final = """\
# Refusals at the sign-in

A refused sign-in carries a code of Entra ID. The tap shows Entra ID's own sentence, then the way
out, then the correlation id, to find the attempt under *Sign-in logs*. Codes are Microsoft's
([its page](https://learn.microsoft.com/en-us/entra/identity-platform/reference-error-codes);
a single code: `https://login.microsoftonline.com/error?code=50058`) and may change; an unknown
code is shown with the settings to check.

| code (AADSTS…) | way out |
| --- | --- |
"""
_TAIL: Final = """
Some codes pass by themselves, and are tried again: {codes}.

A token refused by the API is read, though not trusted, for the reason: a token for another
API or tenant, this machine's clock behind, the token's permissions, and the API's needs. A refusal
for want of a licence is cured by no token and no permission.
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
