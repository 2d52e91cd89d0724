with source as (select * from {{ from_bronze('sale_credit_memo_origin') }})

select
    {{ clean_uuid('"CreditMemoId"') }} as document_id,
    {{ clean_text('"InvoiceNumber"') }} as invoice_number,
    {{ wall_date('"InvoiceDate"') }} as invoice_date
from source
