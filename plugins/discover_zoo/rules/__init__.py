"""Update rules, one file per algorithm. The files beside them hold what several rules share; `recipes` holds their settings."""
