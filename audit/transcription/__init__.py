"""From audio to turns. All code here decides what a transcript looks like."""
