
    
    select
      count(*) as failures,
      count(*) != 0 as should_warn,
      count(*) != 0 as should_error
    from (
      
    
  
    
    



select stream
from "hunting"."main"."hunting_windows"
where stream is null



  
  
      
    ) dbt_internal_test