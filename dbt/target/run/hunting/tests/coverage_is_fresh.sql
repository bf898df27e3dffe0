
    
    select
      count(*) as failures,
      count(*) != 0 as should_warn,
      count(*) != 0 as should_error
    from (
      
    
  -- A stream whose complete time ends too long before the last run did.

select stream, tenant_id, complete_to
from "models"."main"."coverage"
where complete_to < (select max(last_read) from "models"."main"."coverage")
    - interval (24) hour
  
  
      
    ) dbt_internal_test