-- Posted or draft
-- SaleDocument."ValidationState" of invoices and credit notes; a code that the seed does not know is a draft.
select
    d.validation_state as code,
    coalesce(known.state, 'not in seed') as state,
    coalesce(known.is_posted, false) as posted,
    count(*) as documents,
    min(d.document_date) as oldest,
    max(d.document_date) as newest,
    case
        when d.validation_state is null or known.state is not null then []
        else
            [
                proposal(
                    'validation_state.csv',
                    concat(d.validation_state, ',Draft,false,low,', count(*), ' invoices and credit notes')
                )
            ]
    end as proposals
from intermediate.int_sale_documents as d
left join seeds.validation_state as known on d.validation_state = known.validation_state
where d.is_revenue
group by d.validation_state, known.state, known.is_posted
order by 1
