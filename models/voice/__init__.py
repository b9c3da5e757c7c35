"""Voice activity detection and speaker embeddings."""
