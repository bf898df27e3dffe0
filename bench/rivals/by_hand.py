"""What one writes for oneself: requests, json and print."""

import json
import sys

import requests

url, *tables = sys.argv[1:]
session = requests.Session()
form = {
    "grant_type": "client_credentials",
    "client_id": "an-app",
    "client_secret": "a-secret",
    "scope": "https://graph.microsoft.com/.default",
}
token = session.post(f"{url}/tenant/oauth2/v2.0/token", data=form, timeout=60).json()
session.headers["Authorization"] = f"Bearer {token['access_token']}"
for table in tables:
    answer = session.post(
        f"{url}/v1.0/security/runHuntingQuery", json={"Query": table}, timeout=900
    )
    for row in json.loads(answer.content)["results"]:
        print(json.dumps({"type": "RECORD", "stream": table, "record": row}))
