"""Teach the networks: synthesis to edge maps to (input, target) pairs, and the loop that learns from them."""
