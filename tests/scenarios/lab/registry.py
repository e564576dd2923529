"""The list of scenarios, with what each one needs and how it wants to be run."""
import dataclasses
import typing

#: What a scenario may need that not every side, or not every machine, has; a side says what it lacks, and why.
NEEDS = {'kubectl', 'roles', 'data volumes', 'exports', 'validation', 'limit ranges'}


@dataclasses.dataclass(frozen=True)
class Scenario:
    name: str
    function: typing.Callable
    needs: frozenset
    seconds: int
    alone: bool


SCENARIOS = {}


def scenario(function=None, *, needs=(), seconds=10, alone=False):
    """`seconds`: about how long it takes at least; the long ones start first, and the others run beside them.
    `alone`: run when the others are done, because it keeps all of a controller busy."""
    if function is None:
        return lambda f: scenario(f, needs=needs, seconds=seconds, alone=alone)
    unknown = set(needs) - NEEDS
    if unknown:
        raise ValueError(f'{function.__name__} needs what nobody knows: {unknown}')
    name = f'{function.__module__}.{function.__name__}'
    SCENARIOS[name] = Scenario(name, function, frozenset(needs), seconds, alone)
    return function


def in_order(scenarios):
    """Those that wait longest first: they decide how long all take."""
    return sorted(scenarios, key=lambda s: -s.seconds)
