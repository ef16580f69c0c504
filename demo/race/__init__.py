"""Why wallets are locked: one burst of requests, answered without a lock and by the real steps."""
