{#
    One row per counted line and per header amount of each document, in stored sign: fact_sales before signs.
    Amounts and VAT by the macros that sales and purchases share; cost and eco-contribution here.
-#}
with documents as (select * from {{ ref('int_sale_documents') }}),

lines as (
    select * from {{ ref('int_sale_lines') }}
    where line_role = 'counted'
),

vat_rates as (select * from {{ ref('stg_vat') }}),

items as (
    select * from {{ ref('int_item_versions') }}
    where is_current
),

item_codes as {{ code_map(ref('int_item_versions'), 'item_id') }},

{{ document_rows() }},

{{ document_taxes() }},

-- S6: the document's VAT that is due on payment only, by the VAT of its rows; the rounding goes to the largest.
collection_shares as (
    select
        taxed_rows.*,
        coalesce(documents.vat_on_collection, 0) as vat_on_collection,
        cast(
            case
                when taxed_rows.header_vat <> 0
                    then round(
                        cast(taxed_rows.tax as double) * cast(coalesce(documents.vat_on_collection, 0) as double)
                        / cast(taxed_rows.header_vat as double), 2
                    )
                else 0
            end as decimal(28, 8)
        ) as collection_share,
        row_number() over (
            partition by taxed_rows.document_id
            order by abs(taxed_rows.tax) desc, taxed_rows.line_number < 0, taxed_rows.line_number, taxed_rows.line_id
        ) as tax_rank
    from taxed_rows
    inner join documents on taxed_rows.document_id = documents.document_id
),

collected_rows as (
    select
        *,
        cast(
            collection_share
            + case
                when tax_rank = 1 then vat_on_collection - sum(collection_share) over (partition by document_id) else 0
            end as decimal(28, 8)
        ) as tax_on_collection
    from collection_shares
),

-- A11: the cost stored on the document; the parameter says what stands in for a cost of 0 on a line.
costed as (
    select
        collected_rows.*,
        lines.quantity,
        case
            when collected_rows.member = 'ECOTAXE' then collected_rows.net
            when collected_rows.line_id is null then 0
            when lines.cost_price <> 0 then lines.quantity * lines.cost_price
            {% if parameter('cost_fallback') == 'purchase_price' -%}
            when lines.purchase_price <> 0 then lines.quantity * lines.purchase_price
            {% elif parameter('cost_fallback') == 'pump' -%}
            when items.pump <> 0 then lines.quantity * items.pump
            {% endif -%}
            else 0
        end as cost,
        -- The contribution is on the lines or in its own row, never in both.
        case
            when collected_rows.member = 'ECOTAXE' then collected_rows.net
            when rested.is_ecotax_apart then 0
            else coalesce(lines.ecotax_amount, 0)
        end as ecotax
    from collected_rows
    inner join rested on collected_rows.document_id = rested.document_id
    left join lines on collected_rows.line_id = lines.line_id
    left join item_codes on upper(lines.item_code) = item_codes.code_match
    left join items on item_codes.item_id = items.durable_id
)

select
    document_id,
    line_id,
    line_number,
    member,
    row_origin,
    target_source,
    vat_rate,
    {{ amount('net') }} as net,
    {{ amount('footer_discount') }} as footer_discount,
    financial_discount,
    tax,
    tax_on_collection,
    {{ amount('cost') }} as cost,
    {{ amount('ecotax') }} as ecotax
from costed
{%- if parameter('use_custom_revenue') %}
union all
-- A14: management corrections of this installation, outside every identity with the header.
select
    document_id,
    null as line_id,
    -10 as line_number,
    'ECART' as member,
    'correction' as row_origin,
    'total' as target_source,
    null as vat_rate,
    {{ amount('revenue_correction') }} as net,
    0 as footer_discount,
    0 as financial_discount,
    0 as tax,
    0 as tax_on_collection,
    {{ amount('revenue_correction - margin_correction') }} as cost,
    0 as ecotax
from documents
where revenue_correction <> 0 or margin_correction <> 0
{%- endif %}
