"""Update rules, by the name of the algorithm; what several share lies beside them, their settings in `recipes`."""
