"""Hunts with Microsoft's Graph SDK for Python, signed in by azure-identity.

Reads a job from standard input, and writes the answers to standard output.
"""

import asyncio
import json
import sys
from typing import Any

from azure.identity import CertificateCredential, ClientSecretCredential
from kiota_authentication_azure.azure_identity_authentication_provider import (
    AzureIdentityAuthenticationProvider,
)
from msgraph import GraphRequestAdapter, GraphServiceClient
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph.generated.security.microsoft_graph_security_run_hunting_query import (
    run_hunting_query_post_request_body as bodies,
)

Job = dict[str, Any]


def credential(job: Job) -> CertificateCredential | ClientSecretCredential:
    """Return what the job signs in with."""
    place = {"authority": job["url"], "disable_instance_discovery": True}
    who = (job["tenant_id"], job["client_id"])
    if job["certificate"]:
        return CertificateCredential(*who, certificate_path=job["certificate"], **place)
    return ClientSecretCredential(*who, job["client_secret"], **place)


def client(job: Job) -> GraphServiceClient:
    """Return a client that is aimed at the job's host."""
    provider = AzureIdentityAuthenticationProvider(
        credential(job),
        scopes=["https://graph.microsoft.com/.default"],
        allowed_hosts=["localhost"],
    )
    adapter = GraphRequestAdapter(provider)
    adapter.base_url = f"{job['url']}/{job['version']}"
    return GraphServiceClient(request_adapter=adapter)


async def answer(graph: GraphServiceClient, query: str) -> Job:
    """Run a query; return the schema and the rows, or the error."""
    body = bodies.RunHuntingQueryPostRequestBody(query=query, timespan="P7D")
    try:
        found = await graph.security.microsoft_graph_security_run_hunting_query.post(body)
    except ODataError as error:
        told = error.error
        return {
            "status": error.response_status_code,
            "code": told.code,
            "message": told.message,
            "request_id": told.inner_error.request_id,
        }
    return {
        "schema": {column.name: column.type for column in found.schema},
        "rows": [row.additional_data for row in found.results],
    }


async def main() -> None:
    """Run every query of the job, in order, by one client."""
    job = json.load(sys.stdin)
    graph = client(job)
    answers = {name: await answer(graph, query) for name, query in job["queries"].items()}
    json.dump(answers, sys.stdout, default=str)


if __name__ == "__main__":
    asyncio.run(main())
