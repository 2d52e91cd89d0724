-- gold.reconciliation: the rows of the facts against EBP's headers, per trade, kind and year; formulas in
-- reconciliation.py. Not cut at $as_of: what is dated ahead must agree as well.
with fact_rows as (
    select
        'customer' as side,
        document_type,
        greatest(date_key // 10000, 0)::integer as document_year,
        net_amount_excl_tax,
        tax_amount
    from silver.fact_sales
    where row_origin <> 'correction'
    union all
    select
        'supplier' as side,
        document_type,
        greatest(date_key // 10000, 0)::integer as document_year,
        net_amount_excl_tax,
        tax_amount
    from silver.fact_purchases
),

facts as (
    select
        side,
        document_type,
        document_year,
        sum(net_amount_excl_tax) as amount_excl_tax,
        sum(tax_amount) as vat_amount
    from fact_rows
    group by all
),

compared as (
    select
        coalesce(s.side, f.side) as side,
        coalesce(s.document_type, f.document_type) as document_type,
        coalesce(s.document_year, f.document_year) as document_year,
        coalesce(s.documents_count, 0) as documents_count,
        coalesce(s.amount_excl_tax, 0) as source_excl_tax,
        coalesce(f.amount_excl_tax, 0) as warehouse_excl_tax,
        coalesce(s.vat_amount, 0) as source_vat,
        coalesce(f.vat_amount, 0) as warehouse_vat
    from silver.source_totals as s
    full join facts as f
        on s.side = f.side and s.document_type = f.document_type and s.document_year = f.document_year
)

select
    side,
    document_type,
    document_year,
    documents_count,
    cents(source_excl_tax) as source_excl_tax,
    cents(warehouse_excl_tax) as warehouse_excl_tax,
    cents(warehouse_excl_tax - source_excl_tax) as reconciliation_gap,
    cents(source_vat) as source_vat,
    cents(warehouse_vat) as warehouse_vat,
    cents(warehouse_vat - source_vat) as vat_gap
from compared
order by side, document_type, document_year
