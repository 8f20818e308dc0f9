"""Configs and candidates as text: built, checked, written."""
