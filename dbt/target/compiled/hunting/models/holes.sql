-- Time between the first and the last window of a stream that no window has as complete.
with bounds as (
    select tenant_id, stream, min(window_start) as first_start, max(window_end) as last_end
    from "models"."main"."windows" group by all
),

-- the first window's start and the last one's end close the row of complete windows
complete as (
    select tenant_id, stream, window_start, window_end
    from "models"."main"."windows" where status = 'complete'
    union all
    select tenant_id, stream, first_start, first_start from bounds
    union all
    select tenant_id, stream, last_end, last_end from bounds
),

reached as (
    select
        tenant_id,
        stream,
        window_start as hole_end,
        max(window_end) over (
            partition by tenant_id, stream order by window_start, window_end
            rows between unbounded preceding and 1 preceding
        ) as hole_start
    from complete
)

select
    reached.tenant_id,
    reached.stream,
    reached.hole_start,
    reached.hole_end,
    coalesce((
        select arg_max(told.status, told.finished_at) from "models"."main"."windows" as told
        where told.tenant_id = reached.tenant_id and told.stream = reached.stream
            and told.status <> 'complete'
            and told.window_start < reached.hole_end and told.window_end > reached.hole_start
    ), 'unread') as reason
from reached
where hole_end > hole_start