
    
    select
      count(*) as failures,
      count(*) != 0 as should_warn,
      count(*) != 0 as should_error
    from (
      
    
  
    
    

select
    stream_day as unique_field,
    count(*) as n_records

from "models"."main"."rows_by_day"
where stream_day is not null
group by stream_day
having count(*) > 1



  
  
      
    ) dbt_internal_test