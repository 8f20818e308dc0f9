"""Plugin: the classic return functions, and off-policy corrections."""

from discover import Registry, hookimpl


@hookimpl
def discover_register(registry: Registry) -> None:
    from discover_returns.off_policy import LeakyVTrace, Retrace, VTrace
    from discover_returns.returns import GAE, LambdaReturn, MonteCarlo, NStep, OneOfReturns

    registry.add("gae", GAE)
    registry.add("lambda_return", LambdaReturn)
    registry.add("leaky_v_trace", LeakyVTrace)
    registry.add("monte_carlo", MonteCarlo)
    registry.add("n_step", NStep)
    registry.add("one_of_returns", OneOfReturns)
    registry.add("retrace", Retrace)
    registry.add("v_trace", VTrace)
