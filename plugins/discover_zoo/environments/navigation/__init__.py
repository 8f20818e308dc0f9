"""Families of navigation tasks in the plane, on which rules learn to adapt."""
