-- Each alert once, with everyone and everything that it names.
with entities as (
    
select * from "hunting"."main"."alerted_entities"
qualify row_number() over (partition by "_row_id" order by "Timestamp" desc) = 1

)

select
    "AlertId" as alert_id,
    any_value("Alert") as title,
    any_value("Level") as severity,
    min("Timestamp") as first_seen,
    max("Timestamp") as last_seen,
    count(*) as entities,
    list_sort(list(distinct nullif("DeviceName", ''))) as devices,
    list_sort(list(distinct nullif("AccountUpn", ''))) as accounts,
    list_sort(list(distinct nullif("SHA256", ''))) as files
from entities group by all