"""Clones that take their time, for scenarios that do something meanwhile."""
from lab import until


def slow_clone(t, *words, delay=8, **more):
    """A clone whose volumes take their time, until t.hurry(): started, and in its restore phase. `delay`: seconds, where they cannot
    be told to hurry."""
    name = t.storage_class('slow')
    t.source('src', {'root': 'Filesystem', 'data': 'Block'}, storage_class=name)
    t.replace_class(name, {'delay': delay, 'held': True})
    before = t.traces()
    child = t.start('clone', 'src', 'copy', '--wait', *words, **more)
    until('the restore has begun', lambda: t.names('virtualmachinerestores') or child.ended())
    until('its claims stand', lambda: len(t.names('persistentvolumeclaims')) == 4 or child.ended())
    return child, before
