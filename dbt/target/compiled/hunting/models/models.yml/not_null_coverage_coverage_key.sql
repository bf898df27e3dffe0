
    
    



select coverage_key
from "models"."main"."coverage"
where coverage_key is null


