"""Exploration bonuses, one file per method; `own_networks` and `scales` hold what several of them share."""
