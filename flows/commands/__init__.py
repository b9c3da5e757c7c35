"""What the commands do, apart from how they are typed and printed.

One module for each, named like it: :mod:`audit_transcripts`, :mod:`rescore`,
:mod:`import_reviews`, :mod:`calibrate`, :mod:`purge`.
"""
