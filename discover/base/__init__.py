"""The ground floor: errors, statistics, random keys, text tables and figures. It imports nothing else of discover."""
