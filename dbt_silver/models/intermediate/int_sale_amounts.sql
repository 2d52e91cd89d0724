{#
    One row per counted line and per header amount of each document, in stored sign: fact_sales before signs.

    Per document, exactly:   Σ net = target (L7)   Σ financial_discount = header   Σ tax = header VAT.
    Steps: footer discount where EBP did not spread it (A3), header rows and the rest (L6), escompte (A2), VAT (A5).
    Every remainder goes to the row of largest absolute amount, lowest line order on ties.
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

line_totals as (
    select
        document_id,
        count(*) as line_count,
        sum(net) as net,
        coalesce(sum(net) filter (where not is_excluded_from_footer), 0) as footer_base,
        bool_and(net = net_before_footer) as is_footer_absent,
        bool_or(net_after_financial <> 0) as has_financial_split,
        sum(net - net_after_financial) as financial_discount
    from lines
    group by all
),

-- L7: what the rows must reach. A total of 0 under a footer discount of 100 % is real; otherwise 0 means "not filled".
targets as (
    select
        documents.*,
        coalesce(line_totals.line_count, 0) as line_count,
        coalesce(line_totals.net, 0) as line_net,
        coalesce(line_totals.footer_base, 0) as footer_base,
        coalesce(line_totals.is_footer_absent, false) as is_footer_absent,
        coalesce(line_totals.has_financial_split, false) as has_financial_split,
        coalesce(line_totals.financial_discount, 0) as line_financial_discount,
        {{ amount('greatest(' ~ parameter('rounding_minimum') ~ ', ' ~ parameter('rounding_per_line')
            ~ ' * coalesce(line_totals.line_count, 0))') }} as tolerance,
        case
            when documents.total_excl_tax <> 0 or coalesce(line_totals.net, 0) = 0 then 'total'
            when documents.discount_amount <> 0 and documents.discount_amount = documents.amount_excl_tax then 'total'
            when documents.amount_excl_tax_with_discount <> 0 then 'with_discount'
            else 'lines'
        end as target_source
    from documents
    left join line_totals on documents.document_id = line_totals.document_id
),

targeted as (
    select
        *,
        cast(
            case target_source
                when 'total' then total_excl_tax
                when 'with_discount' then amount_excl_tax_with_discount
                else line_net
            end as decimal(28, 8)
        ) as target,
        case when target_source = 'total' then shipping_amount + charges_amount else 0 end as header_part
    from targets
),

-- A3: the footer discount is spread here only if no line carries it and the header total shows it is missing.
footed as (
    select
        *,
        is_footer_absent and discount_amount <> 0 and footer_base <> 0
        and abs(line_net + header_part - target) > tolerance
        and abs(line_net + header_part + ecotax_amount - target) > tolerance as is_footer_spread
    from targeted
),

footer_cents as (
    select
        lines.line_id,
        lines.document_id,
        lines.line_order,
        round(
            cast(footed.discount_amount as double)
            * 100
            * cast(lines.net as double)
            / cast(footed.footer_base as double),
            6
        ) as cents,
        cast(round(footed.discount_amount * 100) as bigint) as total_cents
    from lines
    inner join footed on lines.document_id = footed.document_id
    where footed.is_footer_spread and not lines.is_excluded_from_footer
),

footer_shares as (
    select
        line_id,
        cast((whole_cents + case when remainder_rank <= missing_cents then 1 else 0 end) / 100 as decimal(28, 8))
            as footer_discount
    from (
        select
            line_id,
            floor(cents) as whole_cents,
            total_cents - sum(floor(cents)) over (partition by document_id) as missing_cents,
            row_number() over (
                partition by document_id order by cents - floor(cents) desc, line_order, line_id
            ) as remainder_rank
        from footer_cents
    ) as ranked
),

lines_after_footer as (
    select
        lines.*,
        footed.is_footer_spread,
        lines.net - coalesce(footer_shares.footer_discount, 0) as net_footed,
        case
            when footed.is_footer_spread then coalesce(footer_shares.footer_discount, 0)
            else lines.net_before_footer - lines.net
        end as footer_discount,
        row_number() over (
            partition by lines.document_id
            order by abs(lines.net - coalesce(footer_shares.footer_discount, 0)) desc, lines.line_order, lines.line_id
        ) as size_rank
    from lines
    inner join footed on lines.document_id = footed.document_id
    left join footer_shares on lines.line_id = footer_shares.line_id
),

gaps as (
    select
        footed.*,
        footed.target - coalesce(sums.net_footed, 0) as gap
    from footed
    left join (
        select
            document_id,
            sum(net_footed) as net_footed
        from lines_after_footer
        group by all
    ) as sums on footed.document_id = sums.document_id
),

-- L6: a header amount becomes a row unless the lines already reach the total without it (the port is then a line).
decided as (
    select
        *,
        abs(gap - header_part) <= tolerance or abs(gap) > tolerance as is_header_apart,
        ecotax_amount <> 0
        and abs(gap - header_part) > tolerance
        and abs(gap - header_part - ecotax_amount) <= tolerance as is_ecotax_apart
    from gaps
),

rested as (
    select
        *,
        is_header_apart and target_source = 'total' as is_header_row,
        cast(
            gap
            - case when is_header_apart then header_part else 0 end
            - case when is_ecotax_apart then ecotax_amount else 0 end as decimal(28, 8)
        ) as rest
    from decided
),

header_rows as (
    select
        document_id,
        unnest([
            {
                line_number: -1, member: 'PORT', vat_id: shipping_vat_id, is_discountable: is_shipping_discountable,
                net: {{ amount('case when is_header_row then shipping_amount else 0 end') }}
            },
            {
                line_number: -2, member: 'FRAIS', vat_id: charges_vat_id, is_discountable: is_charges_discountable,
                net: {{ amount('case when is_header_row then charges_amount else 0 end') }}
            },
            {
                line_number: -3, member: 'ECOTAXE', vat_id: vat_id, is_discountable: true,
                net: {{ amount('case when is_ecotax_apart then ecotax_amount else 0 end') }}
            },
            {
                line_number: -9, member: 'ECART', vat_id: vat_id, is_discountable: false,
                net: {{ amount('case when abs(rest) > tolerance or line_count = 0 then rest else 0 end') }}
            }
        ], recursive := true)
    from rested
),

all_rows as (
    select
        lines_after_footer.document_id,
        lines_after_footer.line_id,
        lines_after_footer.line_order as line_number,
        null as member,
        lines_after_footer.vat_id,
        lines_after_footer.net_footed
        + case
            when lines_after_footer.size_rank = 1 and abs(rested.rest) <= rested.tolerance then rested.rest else 0
        end as net,
        lines_after_footer.footer_discount,
        not lines_after_footer.is_excluded_from_financial as is_discountable,
        lines_after_footer.net as stored_net,
        lines_after_footer.net_after_financial,
        lines_after_footer.net_incl_tax,
        lines_after_footer.net_incl_tax_after_financial,
        lines_after_footer.is_footer_spread
    from lines_after_footer
    inner join rested on lines_after_footer.document_id = rested.document_id
    union all
    select
        document_id,
        null as line_id,
        line_number,
        member,
        vat_id,
        net,
        0 as footer_discount,
        is_discountable,
        0 as stored_net,
        0 as net_after_financial,
        0 as net_incl_tax,
        0 as net_incl_tax_after_financial,
        false as is_footer_spread
    from header_rows
    where net <> 0
),

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

-- A11: the cost stored on the document; the parameter says what stands in for a cost of 0 on a line.
costed as (
    select
        taxed_by_rate.*,
        lines.quantity,
        case
            when taxed_by_rate.member = 'ECOTAXE' then taxed_by_rate.net
            when taxed_by_rate.line_id is null then 0
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
            when taxed_by_rate.member = 'ECOTAXE' then taxed_by_rate.net
            when rested.is_ecotax_apart then 0
            else coalesce(lines.ecotax_amount, 0)
        end as ecotax
    from taxed_by_rate
    inner join rested on taxed_by_rate.document_id = rested.document_id
    left join lines on taxed_by_rate.line_id = lines.line_id
    left join item_codes on upper(lines.item_code) = item_codes.code_match
    left join items on item_codes.item_id = items.durable_id
)

select
    document_id,
    line_id,
    line_number,
    member,
    case when line_id is null then 'header' else 'line' end as row_origin,
    target_source,
    vat_rate,
    {{ amount('net') }} as net,
    {{ amount('footer_discount') }} as footer_discount,
    financial_discount,
    cast(
        rate_tax
        + case
            when taxed_rank = 1 then header_vat - sum(rate_tax) over (partition by document_id) else 0
        end as decimal(28, 8)
    ) as tax,
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
    {{ amount('revenue_correction - margin_correction') }} as cost,
    0 as ecotax
from documents
where revenue_correction <> 0 or margin_correction <> 0
{%- endif %}
