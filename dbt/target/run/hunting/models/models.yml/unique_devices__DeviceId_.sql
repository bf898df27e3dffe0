
    
    select
      count(*) as failures,
      count(*) != 0 as should_warn,
      count(*) != 0 as should_error
    from (
      
    
  
    
    

select
    "DeviceId" as unique_field,
    count(*) as n_records

from "models"."main"."devices"
where "DeviceId" is not null
group by "DeviceId"
having count(*) > 1



  
  
      
    ) dbt_internal_test