
    
    



select alert_id
from "models"."main"."alerts"
where alert_id is null


