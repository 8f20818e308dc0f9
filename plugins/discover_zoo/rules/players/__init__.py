"""Hand-written players of bandits and small decision processes: rules that act and learn no parameters."""
