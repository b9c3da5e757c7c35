"""Processes beside the batch: they transcribe and publish, and may die."""
