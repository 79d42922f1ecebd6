"""Right answers to every check, in five styles each."""
