"""Studies: what many viewers of one film showed, and what visitors showed when they came and when they left."""
