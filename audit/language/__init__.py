"""Chinese text, compared by how it sounds."""
