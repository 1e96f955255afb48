"""Tests against a real Apache Kafka (Java and Maven needed)."""
