"""Access logs: the normalised tables, rules over their rows, and what they come to."""
