-- gold.quote_funnel: one row per quote dated up to $as_of; formulas in quote_funnel.py. Of several revisions the last
-- one that the day knows counts; any of them may have been converted.
with amounts as (
    select
        f.document_id,
        c.customer_id,
        arg_min(f.colleague_key, f.line_number) as colleague_key,
        cents(sum(f.net_amount_excl_tax)) as amount
    from silver.fact_sales as f
    inner join silver.dim_customer as c using (customer_key)
    where f.document_type = 'Quote'
    group by all
),

revisions as (
    select
        q.quote_id,
        q.document_number,
        d.date_value as quote_date,
        a.customer_id,
        a.colleague_key,
        a.amount,
        q.is_mailed,
        q.valid_until_date,
        case when q.converted_date <= $as_of then q.converted_date end as converted_date,
        q.converted_kind,
        q.converted_share,
        row_number() over (
            partition by q.quote_id order by q.is_last_revision desc, d.date_value desc, q.document_id
        ) as age
    from silver.fact_quotes as q
    inner join silver.dim_date as d on q.date_key = d.date_id
    inner join amounts as a using (document_id)
    where d.date_value <= $as_of
),

quotes as (
    select
        quote_id,
        any_value(document_number) filter (where age = 1) as document_number,
        any_value(quote_date) filter (where age = 1) as quote_date,
        any_value(customer_id) filter (where age = 1) as customer_id,
        any_value(colleague_key) filter (where age = 1) as colleague_key,
        any_value(amount) filter (where age = 1) as amount,
        any_value(valid_until_date) filter (where age = 1) as valid_until_date,
        count(*) as revisions,
        bool_or(is_mailed) as is_mailed,
        min(converted_date) as converted_date,
        arg_min(converted_kind, converted_date) as converted_kind,
        -- The revision that was converted first; of those that led to the same document, the last.
        arg_min(quote_date, (converted_date, $as_of - quote_date)) filter (where converted_date is not null)
            as converted_quote_date,
        max(converted_share) filter (where converted_date is not null) as converted_share
    from revisions
    group by quote_id
),

judged as (
    select
        *,
        converted_date is null and coalesce(valid_until_date < $as_of, false) as is_expired,
        $as_of - quote_date as age_days,
        cents(amount * coalesce(converted_share, 0)::decimal(18, 8)) as converted_amount
    from quotes
),

odds as (
    select sum(converted_amount)::double / nullif(sum(amount), 0)::double as share
    from judged
    where age_days > $quote_maturity_days and quote_date > $as_of - to_months($quote_months)
)

select
    j.quote_id,
    j.document_number,
    j.quote_date,
    c.customer_key,
    j.customer_id,
    j.colleague_key,
    j.revisions as revisions_count,
    j.is_mailed,
    j.amount as amount_excl_tax,
    case
        when j.converted_date is not null then 'converted'
        when j.is_expired then 'expired'
        else 'open'
    end as status,
    j.converted_date,
    j.converted_kind,
    j.converted_amount,
    case when j.converted_date is not null then greatest(0, j.converted_date - j.converted_quote_date) end
        as days_to_conversion,
    j.valid_until_date,
    j.is_expired,
    j.age_days,
    j.age_days > $quote_maturity_days as is_mature,
    case when status = 'open' then j.amount else 0 end as open_amount,
    cents(open_amount::double * o.share) as weighted_amount,
    null::varchar as loss_reason
from judged as j
inner join silver.dim_customer as c on j.customer_id = c.customer_id and c.is_current
cross join odds as o
order by j.quote_date, j.quote_id
