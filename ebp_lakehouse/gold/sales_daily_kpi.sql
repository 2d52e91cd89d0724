-- gold.sales_daily_kpi: one row per day from $first_date (or the first document, if that is older) to $as_of; formulas
-- in sales_daily_kpi.py. Facts dated after $as_of wait (semantics V5); customers are counted by their durable id (V1).
WITH sales AS (
    SELECT
        f.*,
        d.date_value AS document_date,
        p.is_commercial_product
    FROM silver.fact_sales AS f
    INNER JOIN silver.dim_date AS d ON f.date_key = d.date_id
    INNER JOIN silver.dim_product AS p USING (product_key)
    WHERE d.date_value <= $as_of
),

revenue AS (  -- K2: invoices and credit notes, nothing else
    SELECT
        date_key AS date_id,
        count(DISTINCT document_id) FILTER (WHERE document_type = 'Invoice') AS total_orders_count,
        sum(net_amount_excl_tax) AS revenue_excl_tax,
        sum(net_amount_incl_tax) AS revenue_incl_tax,
        sum(cost_amount) AS cost,
        sum(net_amount_excl_tax) FILTER (WHERE document_type = 'Invoice') AS gross_invoiced,
        sum(net_amount_excl_tax) FILTER (WHERE document_type = 'CreditNote') AS credit_notes,
        sum(net_amount_excl_tax) FILTER (WHERE row_origin = 'header') AS ancillary,
        sum(financial_discount_amount) AS financial_discount,
        sum(net_amount_excl_tax) FILTER (WHERE is_cost_missing) AS revenue_without_cost,
        count(DISTINCT product_id) FILTER (WHERE document_type = 'Invoice' AND is_commercial_product) AS products,
        count(*) FILTER (WHERE document_type = 'Invoice' AND row_origin = 'line') AS invoice_lines
    FROM sales
    WHERE document_type IN ('Invoice', 'CreditNote')
    GROUP BY date_key
),

customer_days AS (  -- an invoice without a customer is nobody's first nor next
    SELECT DISTINCT
        customer_id,
        date_key AS date_id,
        min(date_key) OVER (PARTITION BY customer_id) AS first_date_id
    FROM sales
    WHERE document_type = 'Invoice' AND customer_id IS NOT NULL
),

customers AS (
    SELECT
        date_id,
        count(*) FILTER (WHERE date_id = first_date_id) AS new_customers,
        count(*) FILTER (WHERE date_id > first_date_id) AS returning_customers
    FROM customer_days
    GROUP BY date_id
),

quotes AS (  -- one per chain of revisions: its last revision gives date and amount
    SELECT
        quote_id,
        max(date_key) AS date_id,
        sum(net_amount_excl_tax) FILTER (WHERE is_last_revision) AS amount,
        min(converted_date) AS converted_date
    FROM sales
    WHERE document_type = 'Quote'
    GROUP BY quote_id
),

quote_days AS (
    SELECT
        date_id,
        count(*) AS quotes,
        sum(amount) AS amount,
        count(*) FILTER (WHERE converted_date <= $as_of) AS converted
    FROM quotes
    GROUP BY date_id
),

others AS (
    SELECT
        date_key AS date_id,
        count(DISTINCT document_id) FILTER (WHERE document_type = 'Order') AS orders,
        sum(net_amount_excl_tax) FILTER (WHERE document_type = 'Order') AS orders_excl_tax,
        sum(net_amount_incl_tax) FILTER (
            WHERE document_type IN ('DepositInvoice', 'DepositCreditNote')
        ) AS deposits
    FROM sales
    WHERE document_type NOT IN ('Invoice', 'CreditNote', 'Quote')
    GROUP BY date_key
)

SELECT
    d.date_id,
    coalesce(r.total_orders_count, 0) AS total_orders_count,
    round(coalesce(r.revenue_excl_tax, 0), 2)::DECIMAL(18, 2) AS total_revenue_excl_tax,
    round(coalesce(r.revenue_incl_tax, 0), 2)::DECIMAL(18, 2) AS total_revenue_incl_tax,
    round(coalesce(r.cost, 0), 2)::DECIMAL(18, 2) AS total_cost,
    total_revenue_excl_tax - total_cost AS total_margin,
    CASE
        WHEN total_revenue_excl_tax > 0 THEN total_margin::DOUBLE / total_revenue_excl_tax::DOUBLE * 100
    END AS margin_percent,
    CASE
        WHEN r.total_orders_count > 0
            THEN round(total_revenue_excl_tax / r.total_orders_count::DECIMAL(18, 0), 2)::DECIMAL(18, 2)
    END AS average_order_value,
    coalesce(c.new_customers, 0) AS new_customers_count,
    coalesce(c.returning_customers, 0) AS returning_customers_count,
    coalesce(r.products, 0) AS products_sold_count,
    CASE
        WHEN r.total_orders_count > 0 THEN r.invoice_lines::DOUBLE / r.total_orders_count
    END AS avg_items_per_order,
    q.converted::DOUBLE / q.quotes AS conversion_rate,
    round(coalesce(r.gross_invoiced, 0), 2)::DECIMAL(18, 2) AS gross_invoiced,
    round(coalesce(r.credit_notes, 0), 2)::DECIMAL(18, 2) AS credit_notes_amount,
    round(coalesce(r.ancillary, 0), 2)::DECIMAL(18, 2) AS ancillary_revenue,
    coalesce(o.orders, 0) AS order_intake_count,
    round(coalesce(o.orders_excl_tax, 0), 2)::DECIMAL(18, 2) AS order_intake_excl_tax,
    coalesce(q.quotes, 0) AS quotes_count,
    round(coalesce(q.amount, 0), 2)::DECIMAL(18, 2) AS quotes_amount,
    round(coalesce(o.deposits, 0), 2)::DECIMAL(18, 2) AS deposits_invoiced,
    round(coalesce(r.financial_discount, 0), 2)::DECIMAL(18, 2) AS financial_discount,
    CASE
        WHEN total_revenue_excl_tax > 0
            THEN coalesce(r.revenue_without_cost, 0)::DOUBLE / total_revenue_excl_tax::DOUBLE * 100
    END AS revenue_without_cost_percent
FROM silver.dim_date AS d
LEFT JOIN revenue AS r USING (date_id)
LEFT JOIN customers AS c USING (date_id)
LEFT JOIN quote_days AS q USING (date_id)
LEFT JOIN others AS o USING (date_id)
WHERE d.date_value BETWEEN least($first_date, (SELECT min(s.document_date) FROM sales AS s)) AND $as_of
ORDER BY d.date_id
