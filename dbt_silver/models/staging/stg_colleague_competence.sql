with source as (select * from {{ from_bronze('colleague_competence') }})

select
    {{ match_code('"ColleagueId"') }} as colleague_match,
    {{ clean_code('"CompetenceId"') }} as competence_id
from source
