"""Questions to many tenants before a run, to some of them at the same time."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from threading import Semaphore
from typing import Any, Protocol, TypeAlias, TypeVar

from msgspec.structs import replace
from singer_sdk.exceptions import SingerSDKError

from tap_m365hunting.background import in_background
from tap_m365hunting.commands.checks import Checker
from tap_m365hunting.commands.forecasts import Forecaster
from tap_m365hunting.commands.plans import TenantPlan
from tap_m365hunting.commands.probed_query import ProbedQuery
from tap_m365hunting.commands.remarks import Remark
from tap_m365hunting.commands.report import QueryReport, Report, TenantReport
from tap_m365hunting.commands.row_counts import RowCounter
from tap_m365hunting.commands.run_sizes import remarks_of, sized
from tap_m365hunting.configuration.config import HuntingQuery, Settings, Tenant
from tap_m365hunting.errors import TENANT_ERRORS, QueryRejectedError, WindowTooLargeError
from tap_m365hunting.service.tenant_service import TenantService
from tap_m365hunting.sync.resolved_query import begin_of
from tap_m365hunting.wire.schema import TENANT_ID

_T = TypeVar("_T")

#: Reaches a tenant; nothing is sent yet.
Connect: TypeAlias = Callable[[Tenant], TenantService]


class ProgressBar(Protocol):
    """Yields the items, and shows a person how far the work is."""

    def __call__(self, items: Iterable[_T], *, length: int | None = None) -> Iterator[_T]:
        """Go through `length` items."""


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


def asked(found: Report, settings: Settings, *, connect: Connect, progress: ProgressBar) -> Report:
    """Ask the service about the fit queries, in a single tenant; the others get a call each."""
    fit = settings.queries
    number, heard = 0, tuple[TenantReport, ...]()
    if settings.partitioned and fit:
        probe = partial(probed, query=fit[0], settings=settings, connect=connect)
        replies = map_tenants(settings.tenants, probe, parallel=settings.parallel_tenants)
        heard = tuple(progress(replies, length=len(settings.tenants)))
        reachable = first_reachable(heard)
        if reachable is None:
            return replace(found, tenants=heard)
        number = reachable
    found = _checked(found, settings, settings.tenants[number], connect, progress)
    return replace(
        found, tenants=(*attribute_refusals(heard, found.queries, fit[0].name if fit else ""),)
    )


def _checked(
    found: Report, settings: Settings, tenant: Tenant, connect: Connect, progress: ProgressBar
) -> Report:
    """Ask one tenant about all queries, unless no call is taken there."""
    service = connect(tenant)
    begin = begin_of(settings, now=service.now())
    counter = RowCounter(settings.read_settings, service.run, now=begin)
    tenant_columns = (TENANT_ID,) if settings.partitioned else ()
    checker = Checker(settings.read_settings, service.run, tenant=tenant_columns)
    try:
        queries = tuple(
            _sized(checker.check(query), counter, settings) for query in progress(found.queries)
        )
    except TENANT_ERRORS as error:
        return replace(found, errors=(*found.errors, str(error)))
    title = tenant.connection.dialect.title
    access = f"Token and permission are good: {title}, tenant {tenant.tenant_id}"
    return replace(found, queries=queries, access=access if checker.answered else None)


def _sized(found: QueryReport, counter: RowCounter, settings: Settings) -> QueryReport:
    """Return the report with the size of a run, if the query is fit to run."""
    probed, facts = found.probed, found.facts
    if probed is None or facts is None or not found.ok:
        return found
    try:
        counts = counter.counted(probed, facts.identity)
    except WindowTooLargeError as error:
        message = f"Its rows could not be counted, so nothing is predicted: {error}"
        return replace(found, remarks=(*found.remarks, Remark("warning", message)))
    except SingerSDKError as error:
        return replace(found, remarks=(*found.remarks, Remark("error", str(error))))
    return replace(
        found,
        remarks=(*found.remarks, *remarks_of(counts)),
        facts=sized(facts, counts, settings.read_settings, settings.quotas),
    )


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
    begin = begin_of(settings, now=service.now())
    forecaster = Forecaster(tenant.tenant_id, settings, service.run, state=state, now=begin)
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
