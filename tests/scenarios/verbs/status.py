"""`status`: what is under way, once and live."""
import json
import os
import signal

from clone.fixtures import slow_clone
from lab import check, manifests, scenario, until
from lab.program import Child
from verbs.fixtures import clone_object, data_volume, export, restore, slow_source, take_snapshot


@scenario
def nothing_is_under_way(t):
    t.source()
    take_snapshot(t, 'monday')
    run = t.wukong('status').expect(0, f'nothing is under way in namespace {t.ns}')
    check(run.out == '', run)
    t.wukong('status', 'src').expect(0, 'nothing is under way for VM src')
    t.wukong('status', '-o', 'name').expect(0)
    check(json.loads(t.wukong('status', '-o', 'json').expect(0).out)['items'] == [], 'items')
    t.wukong('status', 'srk').expect(3, 'does not exist', 'did you mean vm/src')
    t.wukong('status', 'vmclone/none').expect(3, 'does not exist')
    for words in ([], ['-w'], ['-o', 'json']):
        t.wukong('status', *words, '-n', 'no-such-namespace').expect(3, 'namespace no-such-namespace does not exist')
    t.wukong('status', 'Src').expect(2)
    t.wukong('status', 'src', '-A').expect(2)
    t.wukong('status', '-w', '-o', 'yaml').expect(2)


@scenario(seconds=15)
def a_clone_and_its_claims(t):
    child, _ = slow_clone(t, delay=8)
    clone, = t.names('virtualmachineclones')
    # At once: the clone goes on meanwhile, and cannot be held for long everywhere.
    plain, names, one_vm, one, mine, objects = [
        t.start('status', *words)
        for words in ((), ('-o', 'name'), ('copy' if t.vm('copy') else 'src', '-o', 'json'), (f'vmclone/{clone}',), ('-A', '--mine'), ('-o', 'yaml'))]
    run = plain.end().expect(0, 'NAME +STAGE +PROGRESS +AGE', rf'vmclone/{clone} +Restoring +0 of 2 volumes bound',
                             r'─ vmrestore/tmp-restore-', r'   ├─ pvc/restore-\S+-data +Provisioning', r'└─ pvc/restore-\S+-root')
    check(run.out.count('\n') == 5, run)
    check(names.end().expect(0).out == f'virtualmachineclone.clone.kubevirt.io/{clone}\n', 'name')
    node, = json.loads(one_vm.end().expect(0).out)['items']
    check(node['kind'] == 'VirtualMachineClone' and node['state'] == 'working' and len(node['children'][0]['children']) == 2, str(node))
    one.end().expect(0, 'Restoring')
    mine.end().expect(0, rf'{t.ns} +vmclone/{clone} ')
    objects.end().expect(0, 'kind: StatusList')
    t.hurry()
    child.end().expect(0)
    until('it is over', lambda: 'nothing is under way' in t.wukong('status').expect(0).err)  # what was temporary goes by and by


@scenario(seconds=20)
def causes_are_told(t):
    name = t.storage_class('fails')
    t.source('src', {'root': 'Filesystem'}, storage_class=name)
    t.replace_class(name, {'fail': 'no space left on device'})
    clone_object(t, 'c1')
    until('told', lambda: 'no space left on device' in t.wukong('status').expect(0).out)
    check('--mine' and t.wukong('status', '--mine').expect(0).out == '', 'made by another')
    t.wukong('cancel', 'vmclone/c1', '-y').expect(0)


@scenario(seconds=20)
def many_of_one_operation(t):
    slow_source(t, 8, {'root': 'Filesystem'})
    child = t.start('clone', 'src', 'web-#', '--count', '3')
    # They are made side by side: none is the last.
    until('VMs stand', lambda: all(t.vm(f'web-{i}') for i in (1, 2, 3)) or child.ended())
    operation = t.vm('web-1')['metadata']['labels']['vm.novasphere.dev/operation']
    t.wukong('status').expect(0, rf'operation/{operation} +Running +0 of 3 VMs ready', r'─ vm/web-1 +Provisioning', r'pvc/web-3-root')
    t.wukong('status', 'web-2').expect(0, 'vm/web-2', no=['vm/web-1'])
    t.wukong('status', f'operation/{operation}', '-o', 'name').expect(0, f'operation/{operation}')
    t.hurry()
    child.end().expect(0)


@scenario(seconds=20)
def one_vm_of_an_operation(t):
    """A run that was killed is found, and given up or gone on with, by its operation."""
    slow_source(t, 20, {'root': 'Filesystem'})
    take_snapshot(t, 'monday')
    before = t.traces()
    child = t.start('clone', 'snapshot/monday', 'web-#', '--count', '1')
    until('its VM stands', lambda: t.vm('web-1') or child.ended())
    child.kill(signal.SIGKILL)
    child.end()
    operation = t.vm('web-1')['metadata']['labels']['vm.novasphere.dev/operation']
    t.wukong('status').expect(0, rf'operation/{operation} +Running +0 of 1 VM ready', r'─ vm/web-1 ')
    check(t.wukong('status', '-o', 'name').expect(0).out == f'operation/{operation}\n', 'name')
    t.wukong('cancel', 'vm/web-1', '-y').expect(3, f'kubectl wukong cancel operation/{operation} -n {t.ns}', f'--resume {operation}')
    t.wukong('cancel', *t.wukong('status', '-o', 'name').out.split(), '-y').expect(0, 'virtualmachine.kubevirt.io/web-1 deleted')
    t.expect_gone_back_to(before)


@scenario(seconds=15)
def snapshots_and_restores(t):
    slow_source(t, 8, {'root': 'Filesystem'}, snapshots={'delay': 5, 'held': True})
    take_snapshot(t, 'monday', ready=False)
    until('it is told', lambda: 'vmsnapshot/monday' in t.wukong('status').out)
    t.hurry(snapshots=True)
    until('ready', lambda: t.get('virtualmachinesnapshots', 'monday').get('status', {}).get('readyToUse'))
    restore(t, 'r1', 'monday', 'other')
    until('it has begun', lambda: len(t.names('persistentvolumeclaims')) == 2)
    t.wukong('status').expect(0, 'vmrestore/r1 +Restoring', '─ pvc/', no=['vmsnapshot/monday'])
    t.wukong('status', 'src').expect(0, 'vmrestore/r1')
    t.hurry()
    t.wukong('wait', 'vmrestore/r1').expect(0)


@scenario
def disks_that_wait_for_a_first_start(t):
    t.source('src', storage_class=t.side.waiting_class, bound=False)
    t.wukong('status').expect(0, 'vm/src +Waiting +for the first start', '─ pvc/src-root +Waiting +for its first consumer')
    t.power('src', True)
    until('rests', lambda: t.wukong('status').expect(0).out == '')


@scenario
def a_disk_that_could_not_be_made(t):
    """Nothing else is under way in its namespace."""
    t.make_vm('lost', {'root': manifests.on_claim('lost-root')})
    t.wukong('status').expect(0, 'vm/lost ', 'lost-root')
    t.wukong('status', '-A').expect(0, rf'{t.ns} +vm/lost ')


@scenario(needs=['data volumes'], seconds=15)
def data_volumes(t):
    data_volume(t, 'lost', http={'url': 'http://127.0.0.1:9/disk.img'})
    until('told', lambda: 'connection refused' in t.wukong('status').expect(0, 'dv/lost').out, 120)
    t.wukong('status', 'dv/lost').expect(0, 'dv/lost +Importing')


@scenario(needs=['exports'])
def exports(t):
    t.source()
    export(t, 'e1')
    t.wukong('wait', 'vmexport/e1').expect(0)
    t.wukong('status', 'src').expect(0, 'vmexport/e1 +Ready +until 20')


@scenario(seconds=20)
def a_line_per_change(t):
    child, _ = slow_clone(t)
    watcher = t.start('status', '-w')
    programs = t.start('status', '-w', '-o', 'json')
    watcher.until_says('Restoring, 0 of 2 volumes bound')
    programs.until_says('"stage":"Restoring"')
    t.hurry()
    child.end().expect(0)
    watcher.until_says('vmclone/copy-\\w+: Ended')
    programs.until_says('"stage":"Ended"')
    for each in (watcher, programs):
        each.kill(signal.SIGINT)
    run = watcher.end().expect(130, r'vmclone/copy-\w+: Restoring, 0 of 2 volumes bound', no=['\x1b'])
    lines = run.out.splitlines()
    check(all(a != b for a, b in zip(lines, lines[1:])), f'said twice\n{run}')
    check(all(json.loads(line)['kind'] for line in programs.end().expect(130).out.splitlines()), 'no JSON lines')


@scenario(seconds=15)
def live_in_a_terminal(t):
    watcher = t.start('status', '-w', terminal=(100, 24))
    watcher.until_says('nothing is under way')
    slow_source(t, 6, {'root': 'Filesystem'})
    clone_object(t, 'c1')
    watcher.until_says('vmclone/c1')
    watcher.until_says('Restoring')
    t.hurry()
    until('done', lambda: t.vm('copy') and t.bound('copy'))
    until('it is told', lambda: watcher.text().rfind('nothing is under way') > watcher.text().rfind('vmclone/c1'))
    watcher.press_ctrl_c()
    run = watcher.end().expect(130)
    check(run.err.rstrip().endswith('stopped watching') and 'error:' not in run.err and '\x1b[?25h' in run.err, run)


@scenario
def stopped_in_a_terminal(t):
    """Ctrl-Z leaves the terminal as others want it, with the cursor; then it is drawn anew. A shell does it: job control is its."""
    shell = Child(['bash', '-c', 'set -m; "$0" status -w -n "$1"; echo "stopped: $?"; read -r; fg', t.plugin.binary, t.ns],
                  t.environment(), t.runs, (100, 24))
    t.at_end(shell.discard)
    shell.until_says('nothing is under way')
    os.write(shell.terminal, b'\x1a')
    shell.until_says('stopped: 148')
    before = shell.text()
    check(before.rfind('\x1b[?25h') > before.rfind('\x1b[?25l'), f'no cursor\n{before}')
    os.write(shell.terminal, b'\n')
    until('it is drawn anew', lambda: shell.text()[len(before):].count('nothing is under way') > 0)
    shell.press_ctrl_c()
    shell.end().expect(130, no=['error:'])


@scenario
def until_its_reader_goes(t):
    """As `kubectl get -w | head -1`: by SIGPIPE, without a word."""
    t.source()
    for name, words in (('monday', ''), ('tuesday', '-o json')):
        shell = Child(['bash', '-c', f'set -o pipefail; "$0" status -w -n {t.ns} {words} | head -1', t.plugin.binary],
                      t.environment(), t.runs)
        t.at_end(shell.discard)
        shell.until_says('nothing is under way')
        take_snapshot(t, name)
        run = shell.end(60).expect(141, name)
        check(run.err.endswith(f'nothing is under way in namespace {t.ns}\n'), f'it says something at its end: {run}')


@scenario
def until_the_disk_is_full(t):
    t.source()
    shell = Child(['bash', '-c', f'"$0" status -w -n {t.ns} > /dev/full', t.plugin.binary], t.environment(), t.runs)
    t.at_end(shell.discard)
    shell.until_says('nothing is under way')
    take_snapshot(t, 'monday')
    shell.end(60).expect(1, 'the result could not be written: No space left on device')


@scenario(seconds=15)
def once_in_a_terminal(t):
    """Fits the terminal; -o wide and a pipe have the names whole."""
    child, _ = slow_clone(t, delay=8)
    restore_name, = t.names('virtualmachinerestores')
    run = t.start('status', terminal=(64, 24)).end().expect(0, 'vmclone/', 'Restoring', '…', no=[restore_name])
    tree = run.err[run.err.index('NAME '):]
    check(all(len(line) < 64 for line in tree.splitlines()), run)
    t.start('status', '-o', 'wide', terminal=(64, 24)).end().expect(0, restore_name)
    t.wukong('status').expect(0, restore_name, no=['…'])
    t.hurry()
    child.end().expect(0)


@scenario(needs=['roles'])
def without_rights(t):
    slow_source(t, 30, {'root': 'Filesystem'})
    clone_object(t, 'c1')
    nothing = f'you may not list anything that could tell what is under way in namespace {t.ns}'
    for words in ([], ['-w'], ['-o', 'json'], ['--mine']):
        run = t.wukong('status', *words, user='viewer').expect(4, nothing, 'not allowed: list virtualmachineclones', 'doctor --permissions status')
        check(run.out == '', run)
    t.wukong('status', '-A', user='viewer').expect(4, 'in all namespaces', '-n NS')
    t.wukong('status', 'vmclone/c1', user='viewer').expect(4, 'forbidden', 'doctor --permissions status')
    t.wukong('cancel', 'operation/abcde', user='viewer').expect(4, nothing)
    t.bind('kubevirt.io:view')
    run = t.wukong('status', user='viewer').expect(0, 'vmclone/c1', r'you may not list .*events, persistentvolumeclaims.*: what they would tell is missing')
    check(run.err.count('\n') == 1, f'more than one note\n{run}')
    t.wukong('cancel', 'vmclone/c1', '-y').expect(0)
    t.wukong('status', user='viewer').expect(0, f'nothing that you may read is under way in namespace {t.ns}')
    watcher = t.start('status', '-w', user='viewer').until_says('nothing that you may read is under way')
    watcher.kill(signal.SIGINT)
    watcher.end().expect(130, 'you may not list and watch ')


@scenario
def kinds_that_are_not_served(t):
    if 'data volumes' in t.side.lacks:
        t.wukong('status').expect(0, 'does not serve datavolumes: CDI is not installed', 'nothing is under way')
