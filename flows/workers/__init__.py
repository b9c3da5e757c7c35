"""Processes beside the batch: they transcribe and publish, and may die.

:class:`transcriber.Transcriber` and :func:`publisher.run` are the parents of
:mod:`transcriber_process` and :mod:`publisher_process`; :func:`shards.run` is what the flow calls.
"""
