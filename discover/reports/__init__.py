"""Reports of searches, comparisons and trainings: one HTML file, and the same numbers as JSON and as text."""
