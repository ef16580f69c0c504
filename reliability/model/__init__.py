"""A model of the protocol: every interleaving of its steps with every fault, explored to the end.

    make model

`table` is what it takes the life of a transfer and of a hold to be; `gateway`, `holds`, `refunds`,
`spending`, `payer`, `payee` and `rules` are the protocol as it is built, and `environment` is what
happens to it; `invariants` and `counters` say what must hold, `explorer` searches. `broken` has
one rule broken at a time: each variant there must be caught, or the search would not see that fault
in the engine either.
"""
