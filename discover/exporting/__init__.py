"""Export of a candidate: its source in one file that imports JAX, NumPy and optax alone, with an example and a test.

The source is that of the components themselves, and of every function that they use. `stand_ins` holds shorter versions of what
the framework does around a rule. An exported file is run beside the original before it is handed over.
"""
