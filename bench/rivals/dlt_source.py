"""dlt's declarative REST source, to lines of JSON in files: it normalises and writes them too."""

import os
import sys
from tempfile import TemporaryDirectory

import dlt
import requests
from dlt.destinations import filesystem
from dlt.sources.rest_api import rest_api_source

url, *tables = sys.argv[1:]
session = requests.Session()
session.verify = os.environ["REQUESTS_CA_BUNDLE"]
os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
os.environ["NORMALIZE__DATA_WRITER__DISABLE_COMPRESSION"] = "true"
auth = {
    "type": "oauth2_client_credentials",
    "access_token_url": f"{url}/tenant/oauth2/v2.0/token",
    "client_id": "an-app",
    "client_secret": "a-secret",
    "access_token_request_data": {"scope": "https://graph.microsoft.com/.default"},
    "session": session,
}
resources = [
    {
        "name": table,
        "endpoint": {
            "path": "v1.0/security/runHuntingQuery",
            "method": "POST",
            "json": {"Query": table},
            "data_selector": "results",
            "paginator": "single_page",
        },
        "max_table_nesting": 0,
    }
    for table in tables
]
with TemporaryDirectory() as folder:
    source = rest_api_source(
        {
            "client": {"base_url": url, "auth": auth, "session": session},
            "resources": resources,
        }
    )
    pipeline = dlt.pipeline(
        "bench",
        pipelines_dir=f"{folder}/pipelines",
        destination=filesystem(f"file://{folder}/out"),
        dataset_name="hunting",
    )
    pipeline.run(source, loader_file_format="jsonl")
    print(pipeline.last_trace.last_normalize_info.row_counts)
