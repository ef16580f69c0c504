"""A demonstration over HTTP: thousands of transfers, and the proof that no cent is missing."""
