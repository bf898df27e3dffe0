
    
    select
      count(*) as failures,
      count(*) != 0 as should_warn,
      count(*) != 0 as should_error
    from (
      
    
  
    
    



select complete_to
from "models"."main"."coverage"
where complete_to is null



  
  
      
    ) dbt_internal_test