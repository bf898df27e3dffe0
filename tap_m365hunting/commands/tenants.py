"""Questions to many tenants before a run, to some of them at the same time."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from threading import Semaphore
from typing import Any, TypeAlias, TypeVar

from msgspec.structs import replace
from singer_sdk.exceptions import SingerSDKError

from tap_m365hunting.background import in_background
from tap_m365hunting.commands.forecasts import Forecaster
from tap_m365hunting.commands.plans import TenantPlan
from tap_m365hunting.commands.probed_query import ProbedQuery
from tap_m365hunting.commands.report import QueryReport, TenantReport
from tap_m365hunting.configuration.config import HuntingQuery, Settings, Tenant
from tap_m365hunting.errors import TENANT_ERRORS, QueryRejectedError
from tap_m365hunting.service.tenant_service import TenantService

_T = TypeVar("_T")

#: Reaches a tenant; nothing is sent yet.
Connect: TypeAlias = Callable[[Tenant], TenantService]


def map_tenants(
    tenants: Sequence[Tenant], work: Callable[[Tenant], _T], *, parallel: int
) -> Iterator[_T]:
    """Yield the result of the work for each tenant, in their order; any error ends all.

    After an interruption no answer is waited for.
    """
    gate = Semaphore(parallel)

    def in_turn(tenant: Tenant) -> _T:
        with gate:
            return work(tenant)

    for result in [in_background(partial(in_turn, tenant)) for tenant in tenants]:
        yield result.result()


def planned(
    tenant: Tenant,
    queries: Iterable[HuntingQuery],
    settings: Settings,
    *,
    connect: Connect,
    state: Mapping[str, Any],
) -> TenantPlan:
    """Plan a tenant's streams; a tenant without any call has the reason in their place."""
    service = connect(tenant)
    forecaster = Forecaster(tenant.tenant_id, settings, service.run, state=state, now=service.now())
    try:
        streams, error = [forecaster.stream(query) for query in queries], None
    except TENANT_ERRORS as reason:
        streams, error = [], str(reason)
    return TenantPlan.of(tenant.tenant_id, streams, settings.quotas, name=tenant.name, error=error)


def probed(
    tenant: Tenant, query: HuntingQuery, settings: Settings, *, connect: Connect
) -> TenantReport:
    """Ask a tenant for the columns of a query; sign-in, permission and table are needed."""
    found = TenantReport(tenant.tenant_id, tenant.name)
    try:
        ProbedQuery.of(query, settings.read_settings, connect(tenant).run)
    except QueryRejectedError as error:
        return replace(found, error=f"{query.name}: {error}")
    except SingerSDKError as error:
        return replace(found, error=str(error), answered=False)
    return found


def first_reachable(replies: Sequence[TenantReport]) -> int | None:
    """Return the index of the tenant to check queries in: a good probe, else any answer."""
    wanted = [number for number, reply in enumerate(replies) if reply.ok]
    wanted += [number for number, reply in enumerate(replies) if reply.answered]
    return next(iter(wanted), None)


def attribute_refusals(
    replies: Iterable[TenantReport], queries: Iterable[QueryReport], probe: str
) -> Iterator[TenantReport]:
    """Take a refusal from the tenants if due to the query, and blame the query."""
    at_fault = any(query.name == probe and not query.ok for query in queries)
    for reply in replies:
        yield replace(reply, error=None) if at_fault and reply.answered else reply
