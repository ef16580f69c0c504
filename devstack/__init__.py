"""Real Kafka and PostgreSQL from packages, and the supervisor behind make run."""
