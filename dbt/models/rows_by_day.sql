-- How many rows each stream has for each day of the rows' own time, each row once.
{% for stream in var('streams') %}
select
    '{{ stream }}' as stream,
    "Timestamp"::date as day,
    '{{ stream }}/' || ("Timestamp"::date)::varchar as stream_day,
    count(distinct "_row_id") as rows_of_day
from {{ source('hunting', stream) }} group by all
{% if not loop.last %}union all{% endif %}
{% endfor %}
