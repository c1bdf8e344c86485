"""Grain sizes one can publish: each method with its formula, its counts and what it is worth."""
