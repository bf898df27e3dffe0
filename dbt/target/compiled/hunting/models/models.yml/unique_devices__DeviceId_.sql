
    
    

select
    "DeviceId" as unique_field,
    count(*) as n_records

from "models"."main"."devices"
where "DeviceId" is not null
group by "DeviceId"
having count(*) > 1


