"""A model of the protocol: every interleaving of its steps with every fault, explored to the end.

    make model

`table` is what it takes a transfer's life to be; `gateway`, `payer`, `payee` and `rules` are the
protocol as it is built, and `environment` is what happens to it; `invariants` says what must hold,
`explorer` searches. `broken` has one rule broken at a time: each variant there must be caught, or
the search would not see that fault in the engine either.
"""
