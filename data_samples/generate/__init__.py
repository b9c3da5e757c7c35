"""How the sample calls, months and dictated numbers were made."""
