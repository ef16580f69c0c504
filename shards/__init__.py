"""Money and SQL: router, pools, schema and ledger; knows no saga."""
