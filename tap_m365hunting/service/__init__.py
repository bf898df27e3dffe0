"""One tenant's service: token, quotas, HTTP, retries."""
