
    
    

with all_values as (

    select
        holes as value_field,
        count(*) as n_records

    from "models"."main"."coverage"
    group by holes

)

select *
from all_values
where value_field not in (
    0
)


