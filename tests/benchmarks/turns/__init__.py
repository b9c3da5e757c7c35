"""A test bench for turn edges and interruptions: calls drawn at random whose truth is known."""
