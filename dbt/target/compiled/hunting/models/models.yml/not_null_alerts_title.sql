
    
    



select title
from "models"."main"."alerts"
where title is null


