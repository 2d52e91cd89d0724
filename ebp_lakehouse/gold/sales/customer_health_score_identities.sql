-- What gold.customer_health_score must satisfy: whomever sales_by_customer saw buy in $health_months is judged, and
-- nobody who neither bought nor has a contract.
select count(*) || ' customers who bought since are missing' as problem
from computed.sales_by_customer as s
anti join computed.customer_health_score using (customer_key)
where
    s.last_order_date > $as_of - to_months($health_months)
    and s.customer_id not in ('(unknown)', '(orphan)')
having count(*) > 0
union all
select count(*) || ' customers are judged without an invoice or a contract'
from computed.customer_health_score as h
left join computed.sales_by_customer as s using (customer_key)
anti join silver.dim_contract as k on h.customer_id = k.customer_id
where coalesce(s.last_order_date <= $as_of - to_months($health_months), true)
having count(*) > 0
