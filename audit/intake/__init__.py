"""What is to be audited: manifests, listings, ready transcripts, labelled calls."""
