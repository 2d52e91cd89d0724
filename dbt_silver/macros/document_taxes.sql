{#
    document_taxes(): CTEs from financial to taxed_rows: the rows of document_rows() with their share of the escompte (A2)
    and their VAT (A5). Per document, exactly: Σ financial_discount = header, Σ tax = header VAT.

    Wants `documents`, `vat_rates` (stg_vat) and the CTEs of document_rows() before it.
#}
{% macro document_taxes() -%}
-- A2: EBP's own split of the escompte when it is filled and adds up to the header, else pro rata of net.
financial as (
    select
        all_rows.*,
        rested.target_source,
        rested.vat_amount as header_vat,
        rested.financial_discount_amount as header_financial,
        rested.vat_id as document_vat_id,
        rested.has_financial_split and not all_rows.is_footer_spread
        and abs(rested.line_financial_discount - rested.financial_discount_amount)
        <= rested.tolerance as is_split_stored,
        sum(case when all_rows.is_discountable then all_rows.net else 0 end) over documents_window as financial_base,
        row_number() over (
            partition by all_rows.document_id
            order by abs(all_rows.net) desc, all_rows.line_number < 0, all_rows.line_number, all_rows.line_id
        ) as size_rank
    from all_rows
    inner join rested on all_rows.document_id = rested.document_id
    window documents_window as (partition by all_rows.document_id)
),

financial_shares as (
    select
        *,
        cast(
            case
                when header_financial = 0 then 0
                when is_split_stored then case when line_id is null then 0 else stored_net - net_after_financial end
                when is_discountable and financial_base <> 0
                    then round(
                        cast(header_financial as double) * cast(net as double) / cast(financial_base as double), 2
                    )
                else 0
            end as decimal(28, 8)
        ) as financial_share
    from financial
),

discounted as (
    select
        financial_shares.* exclude (financial_share),
        cast(
            financial_share
            + case
                when size_rank = 1 then header_financial - sum(financial_share) over (partition by document_id) else 0
            end as decimal(28, 8)
        ) as financial_discount,
        coalesce(
            row_rates.rate, case when line_id is null or financial_shares.vat_id is null then document_rates.rate end
        ) as vat_rate
    from financial_shares
    left join vat_rates as row_rates on financial_shares.vat_id = row_rates.vat_id
    left join vat_rates as document_rates on financial_shares.document_vat_id = document_rates.vat_id
),

-- A5: VAT of the row as EBP stored it when it can be trusted, else by rate.
taxed as (
    select
        *,
        cast(
            case
                when not is_footer_spread and net_after_financial <> 0 and net_incl_tax_after_financial <> 0
                    then net_incl_tax_after_financial - net_after_financial
                when not is_footer_spread and header_financial = 0 and stored_net <> 0 and net_incl_tax <> 0
                    then net_incl_tax - stored_net
                -- A product, not a quotient: the division of decimals is a DOUBLE.
                else round((net - financial_discount) * coalesce(vat_rate, 0) * 0.01, 2)
            end as decimal(28, 8)
        ) as row_tax,
        row_number() over (
            partition by document_id, vat_rate order by abs(net) desc, line_number < 0, line_number, line_id
        ) as rate_rank,
        row_number() over (
            partition by document_id
            order by coalesce(vat_rate, 0) = 0, abs(net) desc, line_number < 0, line_number, line_id
        ) as taxed_rank
    from discounted
),

vat_details as (
    select
        document_id,
        detail.rate as vat_rate,
        sum(coalesce(detail.vat, 0)) as rate_vat
    from (
        select
            document_id,
            unnest(vat_details) as detail
        from documents
    ) as unnested
    where detail.rate is not null
    group by all
),

-- The breakdown by rate is used only where it adds up to the header's VAT.
usable_details as (
    select vat_details.*
    from vat_details
    inner join documents on vat_details.document_id = documents.document_id
    qualify
        sum(vat_details.rate_vat) over (partition by vat_details.document_id) = any_value(documents.vat_amount) over (
            partition by vat_details.document_id
        )
),

taxed_by_rate as (
    select
        taxed.*,
        cast(
            taxed.row_tax
            + case
                when taxed.rate_rank = 1 and usable_details.rate_vat is not null
                    then
                        usable_details.rate_vat
                        - sum(taxed.row_tax) over (partition by taxed.document_id, taxed.vat_rate)
                else 0
            end as decimal(28, 8)
        ) as rate_tax
    from taxed
    left join
        usable_details
        on taxed.document_id = usable_details.document_id and taxed.vat_rate = usable_details.vat_rate
),

taxed_rows as (
    select
        * exclude (row_tax, rate_tax, taxed_rank, rate_rank, size_rank),
        case when line_id is null then 'header' else 'line' end as row_origin,
        cast(
            rate_tax
            + case
                when taxed_rank = 1 then header_vat - sum(rate_tax) over (partition by document_id) else 0
            end as decimal(28, 8)
        ) as tax
    from taxed_by_rate
)
{%- endmacro %}
