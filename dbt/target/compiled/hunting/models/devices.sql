-- Each device once, by its latest report.

select * from "hunting"."main"."device_info"
qualify row_number() over (partition by "DeviceId" order by "Timestamp" desc) = 1
