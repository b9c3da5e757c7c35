"""Speech recognition engines and their weights."""
