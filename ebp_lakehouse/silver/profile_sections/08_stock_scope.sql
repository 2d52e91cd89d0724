-- Who shares an average cost (PUMP)
-- Votes of issues that leave the cost of their storehouse, or show the one of the whole company. No vote: one
-- storehouse, or one cost. The parameter is proposed from five votes on.
select
    storehouse_votes as "votes for storehouse",
    company_votes as "votes for company",
    pump_scope as scope,
    case when is_override then 'parameter' else 'measured' end as "decided by",
    case
        when
            not is_override and abs(storehouse_votes - company_votes) >= 5
            then [proposal('parameters', 'pump_scope: ' || pump_scope)]
        else []
    end as proposals
from intermediate.int_stock_pump_scope
