-- Each device once, by its latest report.
{{ latest(source('hunting', 'device_info'), ['"DeviceId"'], '"Timestamp"') }}
