"""What everything else stands on: errors, statistics, random keys."""
