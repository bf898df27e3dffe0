
    
    select
      count(*) as failures,
      count(*) != 0 as should_warn,
      count(*) != 0 as should_error
    from (
      
    
  
    
    



select "DeviceId"
from "models"."main"."devices"
where "DeviceId" is null



  
  
      
    ) dbt_internal_test