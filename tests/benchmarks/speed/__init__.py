"""Speed, memory and errors of callaudit beside the usual ways to transcribe calls.

``python -m tests.benchmarks.speed RECORDINGS --truth TRUTH`` (``make bench``). Every way is a
process of its
own; calls are given to all of them in turn, so that a noisy machine is noisy for each.
"""
