"""Processes beside the batch: they transcribe, publish and keep Prefect's records, and may die.

:class:`transcriber.Transcriber`, :func:`publisher.run` and :class:`server.Server` are the parents
of :mod:`transcriber_process`, :mod:`publisher_process` and :mod:`server_process`; all of them can
be started ahead of what they are needed for. :func:`shards.run` is what the flow calls.
"""
