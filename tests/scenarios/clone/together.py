"""Several clones at once, and others who meddle."""
from clone.fixtures import slow_clone
from lab import CLOUD_INIT, check, scenario, until


@scenario
def clone_deleted_by_another(t):
    child, _ = slow_clone(t)
    clone, = t.names('virtualmachineclones')
    t.delete('virtualmachineclones', clone)
    child.end().expect(1, 'was deleted', no=['left in place'], within=80)
    until('its claims are gone', lambda: len(t.names('persistentvolumeclaims')) == 2)


@scenario(seconds=20)
def target_made_by_another(t):
    child, _ = slow_clone(t, '--stall-timeout', '6s')
    t.make_vm('copy', {'init': CLOUD_INIT})
    child.end().expect(1, 'exists', within=80)
    until('its own is left', lambda: not t.temporary())
    check(t.vm('copy') and not t.claims_of('copy'), "another's VM was touched")


@scenario
def target_deleted_by_another(t):
    """As soon as it stands; the run must not claim success for a VM that is gone."""
    child, _ = slow_clone(t)
    t.hurry()
    until('it stands', lambda: t.vm('copy'))
    t.delete('virtualmachines', 'copy')
    run = child.end()
    check(run.code == 1 or (run.code == 0 and 'done' in run.err), str(run))


@scenario
def source_deleted_meanwhile(t):
    child, _ = slow_clone(t)
    t.delete('virtualmachines', 'src')
    t.hurry()
    child.end().expect(0, r'copy +Stopped +2 bound')
    check(t.bound('copy'), 'not bound')


@scenario(alone=True, seconds=30)
def ten_clones_of_one_vm(t):
    t.source()
    before = t.traces()
    children = [t.start('clone', 'src', f'copy{i}', '--wait') for i in range(10)]
    for child in children:
        child.end(240).expect(0)
    t.expect_only(before, *[f'copy{i}' for i in range(10)])
    for i in range(10):
        t.expect_same_content('src', f'copy{i}')


@scenario(seconds=15)
def two_clones_to_one_target(t):
    for n in ('a', 'b'):
        t.source(n)
    before = t.traces()
    children = {n: t.start('clone', n, 'copy', '--wait', '--stall-timeout', '8s') for n in ('a', 'b')}
    runs = {n: c.end() for n, c in children.items()}
    won = [n for n, r in runs.items() if r.code == 0]
    check(len(won) <= 1, ''.join(map(str, runs.values())))
    check({r.code for r in runs.values()} <= {0, 1, 3}, ''.join(map(str, runs.values())))
    if won:
        t.expect_only(before, 'copy')
        t.expect_same_content(won[0], 'copy')
    else:
        t.expect_gone_back_to(before)
