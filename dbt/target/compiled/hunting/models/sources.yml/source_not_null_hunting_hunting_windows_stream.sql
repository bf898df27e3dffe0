
    
    



select stream
from "hunting"."main"."hunting_windows"
where stream is null


