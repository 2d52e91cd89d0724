{#
    feature_declarations(): every feature of feature_store, declared once: name, type, and for how many days a value may be served.

    Sums over short windows live 7 days, what changes slowly 30. Each name is a column of int_<entity>_features, which says how it
    is computed; a name that is not there stops the build. Figures of persons are not here: they would stand beside the shared ones.
#}
{% macro feature_declarations() -%}
    {{ return({
        'customer': [
            {'name': 'revenue_last_30_days', 'type': 'numeric', 'ttl_days': 7},
            {'name': 'revenue_last_90_days', 'type': 'numeric', 'ttl_days': 7},
            {'name': 'order_count_last_30_days', 'type': 'numeric', 'ttl_days': 7},
            {'name': 'avg_order_value_last_90_days', 'type': 'numeric', 'ttl_days': 7},
            {'name': 'days_since_last_order', 'type': 'numeric', 'ttl_days': 7},
            {'name': 'total_lifetime_revenue', 'type': 'numeric', 'ttl_days': 30},
            {'name': 'avg_payment_delay_days', 'type': 'numeric', 'ttl_days': 30},
            {'name': 'incident_count_last_year', 'type': 'numeric', 'ttl_days': 30},
            {'name': 'repair_count_last_year', 'type': 'numeric', 'ttl_days': 30},
            {'name': 'satisfaction_score_avg', 'type': 'numeric', 'ttl_days': 30},
            {'name': 'segment', 'type': 'categorical', 'ttl_days': 30},
        ],
        'product': [
            {'name': 'sales_velocity_last_30_days', 'type': 'numeric', 'ttl_days': 7},
            {'name': 'customer_count_last_90_days', 'type': 'numeric', 'ttl_days': 7},
            {'name': 'margin_percent_avg', 'type': 'numeric', 'ttl_days': 30},
            {'name': 'return_rate', 'type': 'numeric', 'ttl_days': 30},
            {'name': 'stock_turnover_ratio', 'type': 'numeric', 'ttl_days': 30},
        ],
        'equipment': [
            {'name': 'repair_count_last_year', 'type': 'numeric', 'ttl_days': 30},
            {'name': 'days_since_last_repair', 'type': 'numeric', 'ttl_days': 7},
        ],
    }) }}
{%- endmacro %}
