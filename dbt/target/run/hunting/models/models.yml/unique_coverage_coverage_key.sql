
    
    select
      count(*) as failures,
      count(*) != 0 as should_warn,
      count(*) != 0 as should_error
    from (
      
    
  
    
    

select
    coverage_key as unique_field,
    count(*) as n_records

from "models"."main"."coverage"
where coverage_key is not null
group by coverage_key
having count(*) > 1



  
  
      
    ) dbt_internal_test