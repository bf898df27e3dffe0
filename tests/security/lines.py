"""What the tests hold line by line, for `make security-before`.

A line has a title, what is wrong where a test fails and the outputs show nothing, and the tests.
"""

import re
from collections.abc import Mapping
from typing import Final, NamedTuple


class Line(NamedTuple):
    """Some of the tests by the names of function and case."""

    title: str
    otherwise: str
    tests: str

    def has(self, test: str) -> bool:
        """Say whether a test is one of the line's."""
        return re.match(rf"(?:{self.tests})(?:$|\[)", test) is not None


_LOGIN: Final = r"test_no_answer_of_the_login_is_in_any_output\[(?:{}).*"
_PLACE: Final = r"test_secret_in_a_wrong_place_is_in_no_output\[(?:{})(?:-long)?\]"
_IDENTITY: Final = r"test_answer_of_an_identity_endpoint_is_in_no_output\[.*-{}\]"

WORLD: Final = Line("a world in which all is well", "fails", "test_a_run_in_a_world.*")
POINTS: Final[Mapping[str, tuple[Line, ...]]] = {
    "Settings that nobody named": (
        Line("a .env file above the installation", "secret sent elsewhere", "test_env_file_.*"),
    ),
    "Answers of the login": (
        Line("an answer that is cut", "logged", "test_answer_of_the_login_that_is_cut.*"),
        Line("a person's sign-in", "logged", "test_person_that_signs_in.*"),
        Line("a byte order mark, UTF-16", "logged", _LOGIN.format("byte-|utf-")),
        Line("a lifetime that is odd or over-long", "logged", _LOGIN.format("expires-")),
        Line("a captive portal's page", "logged whole", _LOGIN.format("page-")),
        Line("a token with a line end, or none", "logged", _LOGIN.format("token-")),
        Line("lists, texts, null, numbers, nothing", "logged", _LOGIN.format("l|str|nu|noth")),
        Line("deep JSON", "logged", _LOGIN.format("deep-")),
        Line("odd members, errors that repeat", "logged",
             _LOGIN.format("scope-|id-|client-|error-|twice")),
    ),
    "Secrets where something else belongs": (
        Line("PEM text as certificate_path", "shown", _PLACE.format("certificate")),
        Line("a token as federated_token_file", "shown", _PLACE.format("federated")),
        Line("JSON as tenants_file, token cache", "shown", _PLACE.format("tenants|token-cache")),
        Line("KQL as query_file, a rule as sigma_rule", "shown", _PLACE.format("query|sigma")),
        Line("other settings", "shown", _PLACE.format(
            "auth-.*|api.*|identity|authority-.*|secret-.*|tenants-[ot].*|method|maps|faker|plain-.*")),
        Line("secrets in the form of names", "shown", "test_secret_in_the_form_of_a_name_.*"),
        Line("the path of an address", "shown", "test_path_of_a_url_is_in_no_log"),
        Line("a file of secrets as query_file", "sent", "test_file_of_secrets_is_refused_.*"),
        Line("KQL that looks like settings", "refused", "test_query_that_looks_a_little_.*"),
        Line("a token in a query that is refused", "shown", "test_token_in_a_query_that_.*"),
        Line("a line of a Sigma file", "shown", "test_line_of_a_sigma_file_.*"),
        Line("--config '{...}'", "shown", "test_settings_in_the_place_of_their_file_.*"),
        Line("--state '{...}', --catalog '{...}'", "shown", "test_text_in_the_place_of_an_.*"),
        Line("an input file that is not there", "not named", "test_input_file_that_is_not_.*"),
        Line("a slip that is no secret", "not named", "test_slip_.*"),
    ),
    "Identity endpoints": (
        Line("redirects", "followed", "test_redirect_of_an_identity_.*"),
        *(
            Line(f"odd answers: {name}", "taken", _IDENTITY.format(kind))
            for name, kind in {
                "App Service": "app_service", "Machine Learning": "learning",
                "a virtual machine": "virtual", "Azure Arc": "arc", "Service Fabric": "fabric",
            }.items()
        ),
        Line("a flood", "memory", "test_identity_endpoint_that_floods_.*"),
        Line("an answer that drips", "no end", "test_identity_endpoint_that_drips_.*"),
        Line("Service Fabric behind a proxy", "proxy asked", "test_service_fabric_asks_no_proxy"),
        Line("a federated token that is none", "sent", "test_federated_token_that_is_none_.*"),
    ),
    "Values of rows, headers": (
        Line("a stream map that fails", "other streams not read", "test_stream_map_that_fails_.*"),
        Line("rows in an answer that is an error", "logged", "test_rows_in_an_answer_.*"),
        Line("an error that repeats the request", "logged", "test_error_that_repeats_.*"),
        Line("a token repeated in another form", "logged", "test_token_that_an_error_repeats_.*"),
        Line("a secret repeated by the login", "logged", "test_secret_that_a_sign_in_repeats_.*"),
        Line("client_id and client_secret swapped", "logged", "test_secret_in_the_place_of_.*"),
        Line("an id, and words without a secret", "not told",
             "test_(?:client_id_that_is_a_guid|answer_without_a_secret)_.*"),
        Line("a proxy's password, all levels", "shown", "test_password_of_a_proxy_.*"),
        Line("a header that cannot be sent", "shown", "test_header_that_cannot_be_sent_.*"),
        Line("an endpoint's address that is none", "shown", "test_address_that_is_none_.*"),
    ),
    "Bounds": (
        Line("a proxy without an end", "no end", "test_proxy_that_never_comes_.*"),
        Line("a Date, a Retry-After of an odd form", "ends the run", "test_header_of_an_.*"),
        Line("HTTPS_PROXY without an address", "not named", "test_proxy_without_an_address_.*"),
        Line("token caches of an odd form", "not named", "test_token_cache_of_an_odd_form_.*"),
        Line("claims that are deep or odd", "ends the run", "test_token_of_odd_claims_.*"),
        Line("a count without its column", "ends the run", "test_count_without_its_column_.*"),
        Line("a person that never comes", "not told", "test_person_that_never_comes_.*"),
        Line("15,000 joins, 100,000 columns", "no end", "test_run_of_a_great_size_.*"),
    ),
    "A token revoked in mid-run": (
        Line("one verdict for the tenant", "each stream asks", "test_token_that_is_revoked_.*"),
    ),
    "Quotas and waits": (
        Line("a clock that is set forward", "more calls than allowed", "test_clock_that_is_set_.*"),
        Line("403 with a throttling text", "not waited for", "test_403_.*"),
        Line("503 for longer than may be waited", "tried again", "test_503_.*"),
        Line("429 that asks for no time", "asked each second", "test_429_.*"),
        Line("a Date without a zone", "read as local time", "test_date_without_a_zone_.*"),
    ),
    "What people read": (
        Line("escapes in messages", "shown raw", "test_message_forges_no_line"),
        Line("escapes in columns' names and types", "shown raw", "test_column_forges_no_line"),
        Line("a column's name in SQL of a page", "run as SQL", "test_name_of_a_column_.*"),
        Line("files of the emulator's machine", "read", "test_file_of_the_machine_.*"),
        Line("an emulator that others reach", "not said", "test_emulator_that_others_.*"),
    ),
    "Warnings": (
        Line("settings that all can read", "not said", "test_(?:settings|tenants)_that_all_can_.*"),
        Line("hosts that are none of Microsoft's", "not said", "test_host_(?:that_is|of).*"),
        Line("AD FS", "taken", "test_(?:tenant_that_would|authority_of_ad_fs)_.*"),
        Line("a key that stands twice", "not said", "test_key_that_stands_twice_.*"),
    ),
}  # fmt: skip
LINES: Final = (WORLD, *(line for lines in POINTS.values() for line in lines))
