{#
    document_rows(): CTEs from line_totals to all_rows: one row per counted line and per header amount of each document of
    either side, in stored sign, so that Σ net = target (L7) exactly: footer discount where EBP did not spread it (A3),
    header rows and the rest (L6). A rest goes to the row of largest absolute amount, lowest line order on ties.

    Wants the CTEs `documents` (headers) and `lines` (counted lines only) before it. Taxes are in document_taxes.sql.
#}
{% macro document_rows() -%}
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
)
{%- endmacro %}
