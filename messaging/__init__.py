"""Kafka as both edges use it: topics and the sender."""
