"""People over time: who is who, what is smoothed, which label stands, when an expression begins and ends."""
