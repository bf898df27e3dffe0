
    
    



select complete_to
from "models"."main"."coverage"
where complete_to is null


