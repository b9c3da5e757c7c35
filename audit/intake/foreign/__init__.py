"""Other vendors' transcripts, each read by a module of its own into a line of ours."""
