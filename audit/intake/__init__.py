"""What is to be audited: manifests, listings, ready transcripts, labelled calls.

:func:`recordings.plan` lists a batch and :func:`roots.fetched` gets one recording;
:func:`manifests.read` reads what is known of them, :func:`transcripts.read` ready transcripts,
:func:`labelled.read_for_evaluation` calls with their truth. They are imported from these modules,
so that a command loads only what it reads.
"""
