"""A tap as the SDK's cookiecutter has it: RESTStream with its defaults, and OAuth.

It writes rows as they came. Or it puts them right in `post_process`, as tap-m365hunting has them:
without annotations, with null for an empty bag, and named by a hash if asked to.
"""

import hashlib
import json
import os
import sys
from typing import Any, ClassVar

import requests
from singer_sdk import RESTStream, Tap
from singer_sdk import typing as th
from singer_sdk.authenticators import OAuthAuthenticator
from singer_sdk.contrib.msgspec import MsgSpecWriter
from singer_sdk.helpers.types import Context, Record
from singer_sdk.singerlib.encoding import SimpleSingerWriter
from typing_extensions import override

from bench.payload import COLUMNS

_TYPES: dict[str, Any] = {
    "DateTime": th.DateTimeType,
    "Int64": th.IntegerType,
    "Object": th.ObjectType(additional_properties=True),
    "SByte": th.BooleanType,
    "String": th.StringType,
}
_DYNAMIC = "AdditionalFields"


class _Authenticator(OAuthAuthenticator):
    @property
    @override
    def oauth_request_body(self) -> dict[str, str]:
        return {
            "grant_type": "client_credentials",
            "client_id": "an-app",
            "client_secret": "a-secret",
            "scope": "https://graph.microsoft.com/.default",
        }


class _HuntingStream(RESTStream[Any]):
    http_method = "POST"
    path = "/v1.0/security/runHuntingQuery"
    records_jsonpath = "$.results[*]"
    replication_key = "Timestamp"
    primary_keys: ClassVar = ("DeviceId", "ReportId", "Timestamp")
    schema = th.PropertiesList(
        *(th.Property(name, _TYPES[type_]) for name, type_ in COLUMNS.items())
    ).to_dict()

    @property
    @override
    def url_base(self) -> str:
        return str(self.config["url"])

    @property
    @override
    def requests_session(self) -> requests.Session:
        session = super().requests_session
        session.verify = os.environ["REQUESTS_CA_BUNDLE"]  # which a prepared request leaves unread
        return session

    @property
    @override
    def authenticator(self) -> OAuthAuthenticator:
        return _Authenticator(auth_endpoint=f"{self.url_base}/tenant/oauth2/v2.0/token")

    @override
    def prepare_request_payload(self, context: Any, next_page_token: Any) -> dict[str, str]:
        since = self.get_starting_timestamp(context)
        where = f"| where Timestamp > datetime({since})" if since else ""
        return {"Query": f"{self.name} {where} | order by Timestamp asc"}


def _bare(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Take out what OData added, at every depth."""
    if isinstance(value, dict):
        return {key: _bare(cell) for key, cell in value.items() if "@odata." not in key}
    return [_bare(cell) for cell in value] if isinstance(value, list) else value


class _RightStream(_HuntingStream):
    schema: ClassVar = th.PropertiesList(  # type: ignore[misc]  # the SDK has either
        *(th.Property(name, _TYPES[type_]) for name, type_ in COLUMNS.items() if type_ != "Object"),
        th.Property(_DYNAMIC, th.StringType),
    ).to_dict()

    @override
    def post_process(self, row: Record, context: Context | None = None) -> Record:
        right = {name: None if row[name] == {} else row[name] for name in COLUMNS}
        right[_DYNAMIC] = json.dumps(_bare(row[_DYNAMIC]))
        return right


class _NamedStream(_RightStream):
    schema: ClassVar = {  # type: ignore[misc]  # as above
        **_RightStream.schema,
        "properties": {**_RightStream.schema["properties"], "_row_id": {"type": ["string"]}},
    }

    @override
    def post_process(self, row: Record, context: Context | None = None) -> Record:
        right = super().post_process(row, context)
        told = {name: cell for name, cell in right.items() if cell not in (None, "", "{}")}
        text = json.dumps(told, sort_keys=True)
        right["_row_id"] = hashlib.sha256(text.encode()).hexdigest()[:32]
        return right


STREAMS: dict[str, type[_HuntingStream]] = {
    "as-they-came": _HuntingStream,
    "right": _RightStream,
    "right-and-named": _NamedStream,
}


class HuntingTap(Tap):
    """One stream for each table."""

    name = "tap-conventional"
    config_jsonschema = th.PropertiesList(
        th.Property("url", th.StringType),
        th.Property("tables", th.ArrayType(th.StringType)),
        th.Property("rows", th.StringType),
    ).to_dict()

    @override
    def discover_streams(self) -> list[_HuntingStream]:
        stream = STREAMS[self.config["rows"]]
        return [stream(self, name=table) for table in self.config["tables"]]


def main(writer: str, rows: str, url: str, *tables: str) -> None:
    """Sync the tables."""
    message_writer = MsgSpecWriter() if writer == "msgspec" else SimpleSingerWriter()
    config = {"url": url, "tables": list(tables), "rows": rows}
    HuntingTap(config=config, message_writer=message_writer).sync_all()


if __name__ == "__main__":
    main(*sys.argv[1:])
