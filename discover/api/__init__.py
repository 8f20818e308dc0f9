"""The Python interface: train, compare and search, as the command line does.

    import discover

    result = discover.train("ppo", "CartPole-v1", steps=100_000, seeds=8)
    print(result)
    result.plot().savefig("ppo.png")

Plugins are loaded once, at the first call. Results are tracked only on request: ``tracking=True`` uses the store of the command
line, ``tracking="..."`` the store at that address.
"""
