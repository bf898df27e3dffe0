-- A stream whose complete time ends too long before the last run did.
{{ config(severity='warn') }}
select stream, tenant_id, complete_to
from {{ ref('coverage') }}
where complete_to < (select max(last_read) from {{ ref('coverage') }})
    - interval ({{ var('stale_after_hours') }}) hour
