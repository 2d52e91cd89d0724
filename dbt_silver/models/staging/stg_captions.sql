{# The code lists of EBP in one relation (list, code, caption), from tables that hold nothing else silver needs. -#}
{% set lists = {
    'customer_family': 'Id', 'customer_sub_family': 'Id', 'country': 'IsoCode', 'settlement_mode': 'Id',
    'item_family': 'Id', 'item_sub_family': 'Id', 'unit': 'Id', 'classification_group': 'Id', 'colleague_family': 'Id',
    'supplier_family': 'Id', 'payment_type': 'Id', 'schedule_event_type': 'Id', 'incident_template': 'Id',
} -%}
{% for table, key in lists.items() -%}
select
    '{{ table }}' as list_name,
    {{ match_code('"' ~ key ~ '"') }} as code,
    {{ clean_text('"Caption"') }} as caption
from {{ from_bronze(table) }} as source
{{ 'union all' if not loop.last }}
{% endfor %}
