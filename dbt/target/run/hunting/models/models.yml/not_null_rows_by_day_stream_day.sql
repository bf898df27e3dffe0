
    
    select
      count(*) as failures,
      count(*) != 0 as should_warn,
      count(*) != 0 as should_error
    from (
      
    
  
    
    



select stream_day
from "models"."main"."rows_by_day"
where stream_day is null



  
  
      
    ) dbt_internal_test