"""Labelled dialogues with customers' data, and the program that draws them."""
