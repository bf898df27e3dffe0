
    

    create  table
      "models"."main"."rows_by_day__dbt_tmp"
  
    
    as (
      -- How many rows each stream has for each day of the rows' own time, each row once.

select
    'phished_clicks' as stream,
    "Timestamp"::date as day,
    'phished_clicks/' || ("Timestamp"::date)::varchar as stream_day,
    count(distinct "_row_id") as rows_of_day
from "hunting"."main"."phished_clicks" group by all
union all

select
    'hidden_shells' as stream,
    "Timestamp"::date as day,
    'hidden_shells/' || ("Timestamp"::date)::varchar as stream_day,
    count(distinct "_row_id") as rows_of_day
from "hunting"."main"."hidden_shells" group by all
union all

select
    'persistence' as stream,
    "Timestamp"::date as day,
    'persistence/' || ("Timestamp"::date)::varchar as stream_day,
    count(distinct "_row_id") as rows_of_day
from "hunting"."main"."persistence" group by all
union all

select
    'credential_access' as stream,
    "Timestamp"::date as day,
    'credential_access/' || ("Timestamp"::date)::varchar as stream_day,
    count(distinct "_row_id") as rows_of_day
from "hunting"."main"."credential_access" group by all
union all

select
    'lateral_movement' as stream,
    "Timestamp"::date as day,
    'lateral_movement/' || ("Timestamp"::date)::varchar as stream_day,
    count(distinct "_row_id") as rows_of_day
from "hunting"."main"."lateral_movement" group by all
union all

select
    'covered_tracks' as stream,
    "Timestamp"::date as day,
    'covered_tracks/' || ("Timestamp"::date)::varchar as stream_day,
    count(distinct "_row_id") as rows_of_day
from "hunting"."main"."covered_tracks" group by all
union all

select
    'risky_sign_ins' as stream,
    "Timestamp"::date as day,
    'risky_sign_ins/' || ("Timestamp"::date)::varchar as stream_day,
    count(distinct "_row_id") as rows_of_day
from "hunting"."main"."risky_sign_ins" group by all
union all

select
    'inbox_rules' as stream,
    "Timestamp"::date as day,
    'inbox_rules/' || ("Timestamp"::date)::varchar as stream_day,
    count(distinct "_row_id") as rows_of_day
from "hunting"."main"."inbox_rules" group by all
union all

select
    'alerted_entities' as stream,
    "Timestamp"::date as day,
    'alerted_entities/' || ("Timestamp"::date)::varchar as stream_day,
    count(distinct "_row_id") as rows_of_day
from "hunting"."main"."alerted_entities" group by all


    );
    
  