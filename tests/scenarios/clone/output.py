"""What is printed, and where."""
import json
import re

import pyte

from lab import check, printed, scenario, until


@scenario(seconds=25)
def formats(t):
    t.source()
    for form, words in (('name', r'^virtualmachine\.kubevirt\.io/f-name\n$'), ('json', r'"name": "f-json"'), ('yaml', r'name: f-yaml\n'),
                        ('table', r'^NAME +STATUS +DISKS +CLONED FROM\nf-table')):
        run = t.clone('src', f'f-{form}', '--wait', '-o', form).expect(0)
        check(re.search(words, run.out), str(run))
        if form == 'json':
            check(json.loads(run.out)['kind'] == 'VirtualMachine', run)


@scenario(seconds=30)
def progress_modes(t):
    t.source()
    for mode in ('json', 'plain', 'none', 'bar', 'auto'):
        run = t.clone('src', f'p-{mode}', '--wait', '-o', 'name', '--progress', mode).expect(0)
        check(run.out == f'virtualmachine.kubevirt.io/p-{mode}\n', f'stdout is not clean\n{run}')
        if mode == 'json':
            types = [json.loads(line)['type'] for line in run.err.splitlines()]
            check({'operation', 'progress', 'result'} <= set(types), run)
        check(mode != 'none' or run.err == '', f'not silent\n{run}')
        check(mode in ('bar',) or '\x1b' not in run.err, f'escape codes\n{run!r}')


@scenario(seconds=25)
def progress_as_json(t):
    """Every line of these runs is held to the manual's schema, see lab/program.py."""
    def error(run):
        told = json.loads(run.err.splitlines()[-1])
        check(told['type'] == 'error' and told['exitCode'] == run.code, run)
    name = t.storage_class('slow')
    t.source('src', {'root': 'Filesystem'}, storage_class=name)
    t.clone('src', 'x-##', '--count', '2', '--progress=json', '--wait', '-v=6').expect(0, '"name":"x-01"')
    t.clone('src', 'y', '--progress=json').expect(0)
    t.clone('src', 'z', '--progress=json', '--dry-run=server').expect(0)
    t.replace_class(name, {'delay': 20, 'held': True})
    error(t.clone('src', 'late', '--wait', '--timeout=5s', '--progress=json').expect(5))
    error(t.clone('nope', 'x', '--progress', 'json').expect(3, '"code":"precondition"'))
    error(t.clone('src', 'x', '--progress=json', '--bogus').expect(2, '"code":"usage"'))
    error(t.clone('src', 'x', '--progress=json', '--timeout=x').expect(2, '"code":"usage"'))
    error(t.clone('src', 'x', '--progress=json', user='viewer').expect(4))


@scenario(needs=['kubectl'])
def templates(t):
    """kubectl prints the same of the objects that a clone has made."""
    t.source()
    def lasting(form, text):
        """Without what controllers change from one look to the next."""
        if form == 'json':
            return json.loads(text)['spec']
        return re.search(r'\nspec:\n.*\nstatus:', text, re.DOTALL)[0] if form == 'yaml' else text
    for i, form in enumerate(('jsonpath={.metadata.name}: {.spec.template.spec.volumes[*].name}{"\\n"}',
                              'jsonpath-as-json={.spec.template.spec.domain.devices.disks[*]}', 'custom-columns=NAME:.metadata.name,VOLUMES:..volumes',
                              'json', 'yaml')):
        run = t.clone('src', f't-{i}', '--wait', '-o', form).expect(0)
        theirs = t.run(['kubectl', 'get', 'vm', f't-{i}', '-n', t.ns, '-o', form]).expect(0)
        check(lasting(form, run.out) == lasting(form, theirs.out), f'{run}\n{theirs}')
    t.clone('src', 'bad', '--wait', '-o', 'jsonpath={.a[').expect(2, 'unterminated array')
    check(not t.vm('bad'), 'a clone was made for a template that cannot work')
    run = t.clone('src', 'odd', '--wait', '-o', 'jsonpath={.metadata.name[3]}').expect(1, 'string is not array or slice')
    check(t.vm('odd'), run)
    run = t.clone('src', 'many-#', '--count=2', '--wait', '-o', 'jsonpath={.kind}: {.items[*].metadata.name}').expect(0)
    check(run.out == 'List: many-1 many-2', run)
    t.clone('src', 'go', '-o', 'go-template={{.metadata.name}}').expect(2, 'use one of: table', 'custom-columns=SPEC')


@scenario(needs=['kubectl'])
def dry_runs(t):
    t.source()
    before = t.traces()
    t.clone('src', 'copy', '--wait', '--dry-run').expect(0, '1', 'method native')
    for mode in ('client', 'server'):
        run = t.clone('src', 'copy', f'--dry-run={mode}', '-o', 'json').expect(0)
        check(json.loads(run.out)['kind'] == 'VirtualMachineClone', run)
        run = t.clone('src', 'copy', f'--dry-run={mode}', '-o', 'yaml').expect(0)
        t.run(['kubectl', 'create', '--dry-run=server', '-o', 'name', '-f', '-'], run.out).expect(0)
    t.clone('src', 'copy', '--dry-run=server').expect(0, 'server dry run')
    t.clone('nope', 'copy', '--dry-run').expect(3)
    t.expect_gone_back_to(before, 1)


@scenario(seconds=20)
def server_dry_runs(t):
    """What is not made yet cannot be changed: it is named, and no error."""
    t.source()
    before = t.traces()
    made, not_tried = r'virtualmachineclone\.clone\.kubevirt\.io/copy-\S+ created \(server dry run\)\n', 'not tried: change VirtualMachine .*/copy: it is not there yet'
    for flags in (['--start'], ['--memory', '128Mi'], ['--memory', '128Mi', '--start', '--wait']):
        t.clone('src', 'copy', *flags, '--dry-run=server').expect(0, made, not_tried)
    t.clone('src', 'copy', '--start', '--method', 'snapshot', '--dry-run=server').expect(
        0, r'virtualmachinesnapshot\S+ created \(server dry run\)', 'not tried: create VirtualMachine .*/copy: what it holds', not_tried)
    t.expect_gone_back_to(before, 1)


@scenario(needs=['kubectl'])
def without_wait(t):
    t.source()
    before = t.traces()
    run = t.clone('src', 'copy').expect(0, 'virtualmachineclone.*created')
    t.shell(printed(run, 'to wait for it')).expect(0)
    until('usable', lambda: t.vm('copy') and t.bound('copy'))
    until('the clone says so', lambda: t.get('virtualmachineclones', *t.names('virtualmachineclones'))['status'].get('phase') == 'Succeeded')
    kept = t.shell(printed(run, 'to give it up')).expect(3, 'has finished: VM copy is usable, and stays')
    t.shell(printed(kept, 'to remove the object only')).expect(0)
    t.expect_only(before, 'copy')


@scenario(needs=['kubectl'])
def without_wait_and_given_up(t):
    name = t.storage_class('slow')
    t.source('src', {'root': 'Filesystem'}, storage_class=name)
    t.replace_class(name, {'delay': 20, 'held': True})
    run = t.clone('src', 'copy').expect(0)
    until('in the restore', lambda: len(t.names('persistentvolumeclaims')) == 2)
    t.shell(printed(run, 'to give it up')).expect(0)
    until('no more of it', lambda: not t.temporary())
    check(not t.vm('copy') and not t.vm('src')['status'].get('snapshotInProgress'), 'it goes on, or its source is locked')


@scenario
def in_a_terminal(t):
    t.source()
    child = t.start('clone', 'src', 'copy', '--wait', terminal=(80, 24))
    run = child.end().expect(0)
    screen = pyte.Screen(80, 24)
    pyte.ByteStream(screen).feed(child.parts['err'])
    lines = [line.rstrip() for line in screen.display if line.strip()]
    check(any(re.match(r'copy +Stopped +1 bound, stand-alone +src', line) for line in lines), 'the screen:\n' + '\n'.join(lines) + f'\n{run}')
    check(len(lines) <= 8, 'frames are left on the screen:\n' + '\n'.join(lines))
