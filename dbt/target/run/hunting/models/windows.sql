
    

    create  table
      "models"."main"."windows__dbt_tmp"
  
    
    as (
      -- Each window once, as it was read last. A tenant's id in capitals is the same tenant.
with windows as (
    select * replace (lower(tenant_id) as tenant_id) from "hunting"."main"."hunting_windows"
)


select * from windows
qualify row_number() over (partition by run_id, stream, tenant_id, window_start, window_end order by finished_at desc) = 1

    );
    
  