"""The commands of people with a wallet: over HTTP, by the client, with a login that is kept."""
