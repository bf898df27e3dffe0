"""A source made with Airbyte's CDK: one HttpStream, its records as Airbyte messages."""

import json
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from airbyte_cdk.entrypoint import launch
from airbyte_cdk.models import ConnectorSpecification
from airbyte_cdk.sources import AbstractSource
from airbyte_cdk.sources.streams.http import HttpStream
from airbyte_cdk.sources.streams.http.requests_native_auth import Oauth2Authenticator

from bench.payload import COLUMNS

_TYPES = {"Int64": "integer", "Object": "object", "SByte": "integer"}
_URL, *_TABLES = sys.argv[1:]


class _Answer(HttpStream):
    url_base = f"{_URL}/v1.0/security/"
    http_method = "POST"
    primary_key = None
    cursor_field = "Timestamp"

    def __init__(self, table, authenticator):
        self._table = table
        super().__init__(authenticator=authenticator)
        self._http_client._session.verify = os.environ["REQUESTS_CA_BUNDLE"]

    @property
    def name(self):
        return self._table

    def get_json_schema(self):
        return {
            "type": "object",
            "properties": {
                name: {"type": ["null", _TYPES.get(type_, "string")]}
                for name, type_ in COLUMNS.items()
            },
        }

    def path(self, **_):
        return "runHuntingQuery"

    def request_body_json(self, **_):
        return {"Query": self._table}

    def next_page_token(self, response):
        return None

    def parse_response(self, response, **_):
        yield from response.json()["results"]


class _Source(AbstractSource):
    def spec(self, logger):
        return ConnectorSpecification(connectionSpecification={"type": "object"})

    def check_connection(self, logger, config):
        return True, None

    def streams(self, config):
        login = Oauth2Authenticator(
            token_refresh_endpoint=f"{_URL}/tenant/oauth2/v2.0/token",
            client_id="an-app",
            client_secret="a-secret",
            refresh_token="a-token",
        )
        return [_Answer(table, login) for table in _TABLES]


def _catalog():
    return {
        "streams": [
            {
                "stream": {
                    "name": table,
                    "json_schema": {},
                    "supported_sync_modes": ["full_refresh"],
                },
                "sync_mode": "full_refresh",
                "destination_sync_mode": "append",
            }
            for table in _TABLES
        ]
    }


with TemporaryDirectory() as folder:
    config, catalog = Path(folder, "config.json"), Path(folder, "catalog.json")
    config.write_text("{}")
    catalog.write_text(json.dumps(_catalog()))
    launch(_Source(), ["read", "--config", str(config), "--catalog", str(catalog)])
