"""Method snapshot: many VMs from one snapshot, snapshots as sources, the shape of the new VM."""
from lab import CLOUD_INIT, check, manifests, printed, scenario, until


def disks_of(t, vm):
    return sorted(t.claims_of(vm).values())


@scenario(seconds=30)
def many_from_one_snapshot(t):
    t.source('src', {'root': 'Filesystem', 'data': 'Block', 'init': CLOUD_INIT})
    before = t.traces()
    run = t.clone('src', 'web-##', '--count', '5', '--new-mac', 'default=02-00-00-00-00-FE', '--set-label', 'batch=one').expect(0)
    targets = [f'web-{i:02}' for i in range(1, 6)]
    check([line.split()[0] for line in run.out.splitlines()[1:]] == targets, f'other rows\n{run}')
    for target in targets:
        t.expect_same_content('src', target)
        check(disks_of(t, target) == [f'{target}-data', f'{target}-root'], f'{target} has {disks_of(t, target)}')
    t.expect_only(before, *targets)
    macs = [t.vm(v)['spec']['template']['spec']['domain']['devices']['interfaces'][0]['macAddress'] for v in targets]
    check(macs == ['02:00:00:00:00:fe', '02:00:00:00:00:ff', '02:00:00:00:01:00', '02:00:00:00:01:01', '02:00:00:00:01:02'], str(macs))
    check(t.vm('web-03')['metadata']['labels']['batch'] == 'one', 'the label is missing')
    t.clone('src', 'web-##', '--count', '5').expect(3, 'web-01 exists already')


@scenario(seconds=30)
def snapshot_as_source(t):
    t.source()
    t.create('virtualmachinesnapshots', manifests.vm_snapshot('monday', 'src'))
    t.clone('snapshot/tuesday', 'copy').expect(3, 'tuesday does not exist', 'kubectl get virtualmachinesnapshots')
    until('ready', lambda: t.get('virtualmachinesnapshots', 'monday').get('status', {}).get('readyToUse'))
    old = t.content('src')
    t.side.fill(t.ns, 'src-root')
    for name, method in (('copy', ['--wait']), ('other', ['--method', 'snapshot'])):
        before = t.traces()
        t.clone('snapshot/monday', name, '--memory', '128Mi', '--hostname', 'other', *method).expect(
            0, f'{name} +Stopped', 'method native' if name == 'copy' else '')
        check(t.content(name) == old, 'not the data of the snapshot')
        t.expect_only(before, name)
        pod = t.vm(name)['spec']['template']['spec']
        check(pod['domain']['memory']['guest'] == '128Mi' and pod['hostname'] == 'other', str(pod))
    t.clone('snapshot/monday', 'other').expect(3, 'other exists already')
    run = t.clone('snapshot/monday', 'third').expect(0, 'to wait for it', 'virtualmachineclone.clone.kubevirt.io/third-')
    t.shell(printed(run, 'to wait for it')).expect(0)
    check(t.content('third') == old, 'not the data of the snapshot')


@scenario
def snapshot_of_a_vm_that_is_gone(t):
    """It may come back under its own name, too."""
    t.source()
    t.create('virtualmachinesnapshots', manifests.vm_snapshot('monday', 'src'))
    until('ready', lambda: t.get('virtualmachinesnapshots', 'monday').get('status', {}).get('readyToUse'))
    old = t.content('src')
    t.delete('virtualmachines', 'src')
    until('gone', lambda: not t.vm('src'))
    for name in ('copy', 'src'):
        t.clone('snapshot/monday', name, '--wait').expect(0, f'{name} +Stopped')
        check(t.content(name) == old, 'not the data of the snapshot')


@scenario(seconds=30)
def copies_at_first_start(t):
    """While a disk waits for its first start, the snapshot that will fill it stays, and is named."""
    t.source('src', storage_class=t.side.waiting_class, bound=False)
    t.power('src', True)
    t.power('src', False)
    t.until_bound('src')
    for claim in t.claims_of('src').values():
        t.side.fill(t.ns, claim)
    run = t.clone('src', 'copy', '--method', 'snapshot').expect(0, '1 at first start', 'kubectl delete virtualmachinesnapshot')
    check(t.names('virtualmachinesnapshots'), f'the snapshot was removed while its claim is Pending\n{run}')
    t.power('copy', True)
    until('bound', lambda: t.bound('copy'))
    t.expect_same_content('src', 'copy')


@scenario(seconds=40)
def copies_on_failing_storage(t):
    """A class that makes no volume: the cause is shown, and after a while all is undone."""
    name = t.storage_class('fails')
    t.source('src', storage_class=name)
    t.replace_class(name, {'fail': 'no space left on device'})
    before = t.traces()
    run = t.clone('src', 'web-#', '--count', '2', '--stall-timeout', '8s').expect(1, 'no space left on device', '2 of 2 failed')
    check('web-1' not in run.out, f'a row for what has failed\n{run}')
    t.expect_gone_back_to(before)
