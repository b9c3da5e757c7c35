"""Sample calls: their scripts, audio, truth, and the program that renders them."""
