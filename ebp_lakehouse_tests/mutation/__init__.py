"""Does a wrong query get caught? A tool, not part of the suite: ``python -m ebp_lakehouse_tests.mutation`` (some minutes).

Every declared mutant is one plausible slip in a gold query: a join of the other kind, a sign, a dropped filter, a bound off
by one. It is run, in memory, against the hand-worked rows of the mini company, the second computation on the random companies
(both with the blocking identities) and the table's unit tests. A mutant that nothing notices is a gap in the tests, unless it
cannot change any figure: then its declaration says why.
"""
