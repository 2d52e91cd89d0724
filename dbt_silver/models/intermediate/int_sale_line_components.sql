{# Components of bundles: never amounts, only the quantities of stock items that a bundle sale moves. -#}
select
    line_id,
    document_id,
    bundle_line_id,
    item_code,
    quantity,
    cost_price
from {{ ref('int_sale_lines') }}
where line_role = 'component'
