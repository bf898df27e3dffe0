-- Do we have everything? One row a stream and tenant.
with read as (
    select
        tenant_id,
        stream,
        tenant_id || '/' || stream as coverage_key,
        min(window_start) filter (status = 'complete') as complete_from,
        max(window_end) filter (status = 'complete') as complete_to,
        sum(rows)::bigint as rows_received,
        sum(late_rows)::bigint as late_rows,
        sum(calls)::bigint as calls,
        max(finished_at) as last_read
    from "models"."main"."windows" group by all
),

missing as (
    select tenant_id, stream, count(*) as holes, sum(epoch(hole_end - hole_start)) as hole_seconds
    from "models"."main"."holes" group by all
)

select
    read.*,
    coalesce(missing.holes, 0) as holes,
    coalesce(missing.hole_seconds, 0) as hole_seconds
from read left join missing using (tenant_id, stream)