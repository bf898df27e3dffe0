-- Each window once, as it was read last. A tenant's id in capitals is the same tenant.
with windows as (
    select * replace (lower(tenant_id) as tenant_id) from {{ source('hunting', 'hunting_windows') }}
)

{{ latest('windows', ['run_id', 'stream', 'tenant_id', 'window_start', 'window_end'], 'finished_at') }}
