
    
    



select "DeviceId"
from "models"."main"."devices"
where "DeviceId" is null


