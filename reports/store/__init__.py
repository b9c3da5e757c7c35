"""The output folder: tables, private transcripts, reviews."""
