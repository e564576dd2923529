"""--running=stop: the source runs again as it did, however the run ends."""
import re
import signal
import time

from clone.cdi import CDI, source_without_snapshots, template_source
from lab import check, printed, scenario, until


def runs(t):
    return (t.get('virtualmachineinstances', 'src') or {}).get('status', {}).get('phase') == 'Running'


def marks(t):
    return [key for key in t.vm('src')['metadata'].get('annotations', {}) if 'novasphere' in key]


def run_with(t, strategy):
    t.api.patch('virtualmachines', t.ns, 'src', {'spec': {'runStrategy': strategy}})
    if strategy == 'Manual':  # the others start when they are set
        t.power('src', True)
    until(f'src runs with {strategy}', lambda: runs(t) and t.vm('src').get('status', {}).get('created'))


def run_as_before(t, strategy):
    until('src runs again', lambda: runs(t))
    check(t.vm('src')['spec']['runStrategy'] == strategy, f'not {strategy}: {t.vm("src")["spec"]["runStrategy"]}')
    check(not marks(t), f'still marked: {marks(t)}')


@scenario(seconds=30)
def run_strategies(t):
    t.source('src')
    for strategy in ('RerunOnFailure', 'Manual', 'Once', 'Always'):
        run_with(t, strategy)
        t.clone('src', f'by-{strategy.lower()}', '--running=stop', '--wait').expect(0, 'Stopped', no=['warning:'])
        run_as_before(t, strategy)
        t.expect_same_content('src', f'by-{strategy.lower()}')
        t.power('src', False)


@scenario(seconds=30)
def interrupted_while_its_snapshot_is_taken(t):
    """KubeVirt refuses to start it then."""
    name = t.storage_class('slow', snapshot={'delay': 6})
    t.source('src', storage_class=name)
    run_with(t, 'RerunOnFailure')
    for method in ('native', 'snapshot'):
        child = t.start('clone', 'src', f'by-{method}', '--method', method, '--running=stop', '--wait')
        until('its snapshot is being taken', lambda: t.vm('src').get('status', {}).get('snapshotInProgress') or child.ended(), 60)
        child.kill(signal.SIGINT)
        run = child.end(120).expect(130, no=['warning:'])
        run_as_before(t, 'RerunOnFailure')
        t.shell(printed(run, 'to give it up'))  # refused where it has ended meanwhile


@scenario(seconds=30)
def killed_and_given_up(t):
    """Nobody starts the source again but who gives the operation up, and `status` tells of it."""
    name = t.storage_class('slow', snapshot={'delay': 6})
    t.source('src', storage_class=name)
    run_with(t, 'Always')
    child = t.start('clone', 'src', 'copy', '--method', 'snapshot', '--running=stop', '--wait')
    until('its snapshot is being taken', lambda: t.vm('src').get('status', {}).get('snapshotInProgress') or child.ended(), 60)
    child.kill(signal.SIGKILL)
    child.end()
    operation = re.search(r'operation (\w+): clone', child.text()).group(1)
    check(marks(t) and not runs(t), 'it was not stopped, or runs')
    t.wukong('status').expect(0, rf'operation/{operation} ', 'vm/src +Stopped +by operation')
    t.wukong('cancel', f'operation/{operation}', '-y', seconds=90).expect(0, 'VM src is started again')
    run_as_before(t, 'Always')
    check(not t.vm('copy') and not t.names('virtualmachinesnapshots'), 'something of it is left')


def interrupted_copy(t):
    run_with(t, 'Always')
    before = t.traces()
    child = t.start('clone', 'src', 'copy', '--running=stop', '--wait')
    until('it is being copied', lambda: 'copy-root' in t.names('datavolumes') or child.ended(), 60)
    child.kill(signal.SIGINT)
    run = child.end(120).expect(130, no=['warning:'])
    run_as_before(t, 'Always')
    time.sleep(3)  # for whoever makes it anew
    unfinished = [name for name in t.names('datavolumes') if t.get('datavolumes', name).get('status', {}).get('phase') != 'Succeeded']
    check(not unfinished, f'half copied disks are left: {unfinished}\n{run}')
    t.shell(printed(run, 'to go on with it'), 120).expect(0, r'copy +Stopped +1 bound')
    run_as_before(t, 'Always')
    t.expect_same_content('src', 'copy')
    t.expect_only(before | {'datavolumes/copy-root'}, 'copy')


@scenario(seconds=20)
def the_terminal_goes(t):
    """A dropped ssh session: its shell tells of it, and then the kernel. What is second is no second Ctrl-C."""
    name = t.storage_class('slow', snapshot={'delay': 6})
    t.source('src', storage_class=name)
    run_with(t, 'Always')
    child = t.start('clone', 'src', 'copy', '--running=stop', '--wait')
    until('it was stopped', lambda: marks(t) and not runs(t) or child.ended(), 60)
    for _ in range(2):
        child.kill(signal.SIGHUP)
        time.sleep(0.2)
    child.end(120).expect(129, no=['warning:'])
    run_as_before(t, 'Always')


@scenario(needs=CDI, seconds=40)
def interrupted_while_it_is_copied(t):
    """A disk that is half copied when its source starts again holds data of no one moment: it goes, and is copied anew."""
    source_without_snapshots(t)
    interrupted_copy(t)


@scenario(needs=CDI, seconds=40)
def interrupted_while_a_template_is_copied(t):
    """The new VM owns the disk. KubeVirt must not make it anew when it is removed."""
    template_source(t, storage_class=t.side.class_without_snapshots)
    interrupted_copy(t)
    t.delete('virtualmachines', 'copy')
    until('the disk goes with the VM', lambda: not t.get('persistentvolumeclaims', 'copy-root'))
