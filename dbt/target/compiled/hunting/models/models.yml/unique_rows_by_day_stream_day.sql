
    
    

select
    stream_day as unique_field,
    count(*) as n_records

from "models"."main"."rows_by_day"
where stream_day is not null
group by stream_day
having count(*) > 1


