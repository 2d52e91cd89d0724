"""The mini company: some eighty rows of EBP written by hand, and every figure of silver and gold worked out from them.

The story and the arithmetic are in docs/mini-company.md; the figures as data are in expected/. Lives here: the source rows
(sales, payments, purchases, stock, field, masters), their way into a bronze catalog or into PostgreSQL, and the comparison
of tables with what is expected. Not here: the tests themselves.
"""
