
    
    



select stream_day
from "models"."main"."rows_by_day"
where stream_day is null


