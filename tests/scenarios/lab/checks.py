"""How a scenario says what it expects."""
import time


class Wrong(Exception):
    """The program did not do what the scenario expects."""


def check(condition, message):
    if not condition:
        raise Wrong(message)


def until(what, test, seconds=60):
    """Polls; returns what `test` returned. `seconds` is the patience of a machine that has much else to do, and never what is tested."""
    end = time.monotonic() + seconds
    while True:
        found = test()
        if found:
            return found
        if time.monotonic() > end:
            raise Wrong(f'not within {seconds} s: {what}')
        time.sleep(0.1)
