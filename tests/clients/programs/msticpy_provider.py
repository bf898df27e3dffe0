"""Hunts with a provider of msticpy.

Reads a job from standard input, and writes the answers to standard output.
"""

import json
import sys
import time
from typing import Any

import httpx
from msticpy.data.core.data_providers import QueryProvider
from msticpy.data.core.query_provider_connections_mixin import QueryProviderConnectionsMixin

Job = dict[str, Any]


def provider(job: Job) -> QueryProviderConnectionsMixin:
    """Return a provider that is aimed at the job's host, and signed in."""
    made = QueryProvider(job["provider"])
    driver = made._query_provider
    driver.oauth_url = f"{job['url']}/{{tenantId}}/oauth2/v2.0/token"
    made.connect(
        tenant_id=job["tenant_id"],
        client_id=job["client_id"],
        client_secret=job["client_secret"],
        apiRoot=job["url"],
    )
    return made


def answer(hunting: QueryProviderConnectionsMixin, query: str) -> Job:
    """Run a query; return the types and the rows, or the error.

    The provider does not wait when a call is throttled: the one who calls it has to.
    """
    for _ in range(2):
        try:
            found = hunting.exec_query(query)
        except httpx.HTTPStatusError as error:
            told = error.response.json()["error"]
            return {"status": error.response.status_code, **told}
        except ConnectionRefusedError as error:
            if "limit" not in str(error):
                return {"status": 401, "message": str(error)}
            time.sleep(1.0)
        else:
            types = {name: str(kind) for name, kind in found.dtypes.items()}
            rows = json.loads(found.to_json(orient="records", date_format="iso", date_unit="ns"))
            return {"schema": types, "rows": rows}
    return {"status": 429, "message": ""}


def main() -> None:
    """Run every query of the job, in order, by one provider."""
    job = json.load(sys.stdin)
    told, sys.stdout = sys.stdout, sys.stderr  # it prints what it does
    hunting = provider(job)
    answers = {name: answer(hunting, query) for name, query in job["queries"].items()}
    json.dump(answers, told, default=str)


if __name__ == "__main__":
    main()
