"""The speed comparison: hw1lib beside automatic differentiation, on the same machine, in turn."""
