"""A demonstration over HTTP: users, thousands of transfers, and the proof that no cent is missing."""
