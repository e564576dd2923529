"""Ctrl-C and signals."""
import signal
import time

from clone.fixtures import slow_clone
from lab import check, printed, scenario, until


def after_interrupt(t, run, code):
    run.expect(code, 'left in place', 'interrupted')
    clone, = t.names('virtualmachineclones')
    check(clone in run.err, f'does not name {clone}\n{run}')
    t.hurry()
    t.shell(printed(run, 'to go on with it')).expect(0, 'going on with operation', r'copy +Stopped +2 bound')
    check(not t.names('virtualmachineclones'), 'the clone object is left')
    until('usable', lambda: t.vm('copy') and t.bound('copy'))
    t.expect_same_content('src', 'copy')


@scenario(needs=['kubectl'])
def ctrl_c_in_a_terminal(t):
    child, _ = slow_clone(t, terminal=(100, 24))
    child.press_ctrl_c()
    after_interrupt(t, child.end(), 130)


@scenario(needs=['kubectl'])
def sigint_to_a_pipe(t):
    child, _ = slow_clone(t)
    started = time.monotonic()
    child.kill(signal.SIGINT)
    run = child.end()
    check(time.monotonic() - started < 20, f'does not stop waiting\n{run}')  # the volumes are held
    after_interrupt(t, run, 130)


@scenario(needs=['kubectl'], seconds=15)
def sigint_and_given_up(t):
    """The printed command that gives up leaves nothing, typed before the new VM stands."""
    child, before = slow_clone(t, delay=20)
    child.kill(signal.SIGINT)
    run = child.end().expect(130)
    t.shell(printed(run, 'to give it up')).expect(0)
    t.expect_gone_back_to(before, 30)


@scenario(needs=['kubectl'])
def sigterm(t):
    child, _ = slow_clone(t)
    child.kill(signal.SIGTERM)
    after_interrupt(t, child.end(), 143)


@scenario
def sigint_twice(t):
    child, _ = slow_clone(t, '--cancel-on-interrupt', delay=20)

    def finalizers(names):
        for name in set(t.names('persistentvolumeclaims')) - {'src-root', 'src-data'}:
            t.api.patch('persistentvolumeclaims', t.ns, name, {'metadata': {'finalizers': names}})
    finalizers(['kubectl-wukong.test/stays'])  # what it would wait for is not soon gone
    t.at_end(finalizers, None)
    child.kill(signal.SIGINT)
    child.until_says('once more leaves at once')  # two signals that are not taken in between are one
    started = time.monotonic()
    child.kill(signal.SIGINT)
    run = child.end()
    check(time.monotonic() - started < 20, f'did not leave at once\n{run}')
    check(run.code == 130, run)


@scenario(seconds=15)
def sigint_cancels(t):
    child, before = slow_clone(t, '--cancel-on-interrupt', delay=20)
    child.kill(signal.SIGINT)
    child.end().expect(130, 'undone: nothing that was made is left', no=['left as it is', 'to go on', 'to give it up'])
    t.expect_gone_back_to(before, 30)


@scenario(seconds=15)
def sigint_cancels_while_snapshots_are_taken(t):
    name = t.storage_class('slowsnap', snapshot={'delay': 6, 'held': True})
    t.source('src', {'root': 'Filesystem', 'data': 'Block'}, storage_class=name)
    before = t.traces()
    child = t.start('clone', 'src', 'copy', '--wait', '--cancel-on-interrupt')
    until('snapshots are being taken', lambda: len(t.names('volumesnapshots')) == 2)
    child.kill(signal.SIGINT)
    child.until_says('once more leaves at once')
    t.hurry('slowsnap', snapshots=True)
    child.end().expect(130)
    t.expect_gone_back_to(before, 40)
