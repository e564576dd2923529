"""Method cdi: a DataVolume per disk. What the other methods cannot: other classes and sizes, full copies, disks without snapshots."""
from clone.rights import roles_of
from lab import CLOUD_INIT, check, manifests, printed, scenario, until

CDI = ['data volumes']


def clone(t, *words):
    """Host-assisted copies take several pods each: on a busy machine, minutes."""
    return t.clone(*words, seconds=180)


def clone_type(t, claim):
    return t.get('persistentvolumeclaims', claim)['metadata']['annotations'].get('cdi.kubevirt.io/cloneType')


def source_without_snapshots(t):
    """Filled; KubeVirt has said that it cannot snapshot the disk."""
    t.source('src', storage_class=t.side.class_without_snapshots, bound=False)
    until('bound', lambda: t.bound('src'))
    t.side.fill(t.ns, 'src-root')
    t.until_reported('src')


def template_source(t, name='src', storage_class=None):
    """A VM whose disk is made by its dataVolumeTemplates, filled."""
    body = manifests.vm(name, {'root': {'dataVolume': {'name': f'{name}-root'}}})
    body['spec']['dataVolumeTemplates'] = [{'metadata': {'name': f'{name}-root'}, 'spec': {
        'source': {'blank': {}}, 'storage': {'storageClassName': storage_class or t.side.plain_class, 'resources': {'requests': {'storage': '8Mi'}}}}}]
    t.create('virtualmachines', body)
    until('disk', lambda: (t.get('datavolumes', f'{name}-root') or {}).get('status', {}).get('phase') == 'Succeeded', 120)
    if storage_class == t.side.class_without_snapshots:
        until('bound', lambda: t.bound(name))
        t.until_reported(name)
    else:
        t.until_bound(name)
    t.side.fill(t.ns, f'{name}-root')


def expect_disks(t, before, *wanted, extra=()):
    """Of the new objects, only VMs `wanted`, their DataVolumes and claims are there."""
    fine = set(extra)
    for w in wanted:
        fine |= {f'datavolumes/{c}' for c in t.claims_of(w).values()}
    t.expect_only(before | fine, *wanted)


def hanging(t):
    """CDI deletes its temporary snapshot together with the Pending claim made from it. external-snapshotter then may not notice that the
    claim is gone, until it looks at all snapshots again, every 15 minutes."""
    found = set()
    for name in t.names('volumesnapshots'):
        snapshot = t.get('volumesnapshots', name) or {'metadata': {}}
        if name.startswith('tmp-snapshot-') and snapshot['metadata'].get('deletionTimestamp'):
            found |= {f'volumesnapshots/{name}', f'volumesnapshotcontents/{snapshot.get("status", {}).get("boundVolumeSnapshotContentName")}'}
    return found


@scenario(needs=CDI, seconds=20)
def stopped_source(t):
    t.source('src', {'root': 'Filesystem', 'data': 'Block', 'init': CLOUD_INIT})
    before = t.traces()
    clone(t, 'src', 'copy', '--method', 'cdi', '--wait').expect(0, r'copy +Stopped +2 bound', 'made from a snapshot by the storage: copy-root, copy-data')
    t.expect_same_content('src', 'copy')
    expect_disks(t, before, 'copy')
    check(t.claims_of('copy') == {'root': 'copy-root', 'data': 'copy-data'}, str(t.claims_of('copy')))
    t.delete('virtualmachines', 'copy')
    until('gone', lambda: not t.vm('copy'))
    check(t.get('datavolumes', 'copy-root'), 'a stand-alone disk went with the VM')


@scenario(needs=CDI, seconds=20)
def template_disk(t):
    template_source(t)
    before = t.traces()
    clone(t, 'src', 'copy', '--method', 'cdi', '--wait').expect(0, r'copy +Stopped +1 bound')
    t.expect_same_content('src', 'copy')
    expect_disks(t, before, 'copy')
    t.delete('virtualmachines', 'copy')
    until('the disk goes with the VM', lambda: not t.get('persistentvolumeclaims', 'copy-root'))


@scenario(needs=CDI, seconds=20)
def no_snapshots(t):
    """auto: a disk that cannot be snapshotted is copied by CDI, and it is said."""
    source_without_snapshots(t)
    clone(t, 'src', 'copy', '--wait').expect(0, 'method cdi: disk root cannot be snapshotted', 'copied in full: copy-root', r'copy +Stopped +1 bound')
    t.expect_same_content('src', 'copy')
    check(clone_type(t, 'copy-root') == 'copy', 'not copied')


@scenario(needs=CDI, seconds=20)
def full_copy(t):
    t.source()
    clone(t, 'src', 'copy', '--type', 'full', '--wait').expect(0, 'method cdi: a full copy is asked for', 'copied in full: copy-root')
    t.expect_same_content('src', 'copy')
    check(clone_type(t, 'copy-root') == 'copy', 'not copied')
    clone(t, 'src', 'copy2', '--type', 'full', '--method', 'native').expect(2, 'cannot do this: a full copy')


@scenario(needs=CDI, seconds=20)
def other_class(t):
    """Drivers differ: a host-assisted copy."""
    t.source()
    clone(t, 'src', 'copy', '--storage-class', t.side.class_without_snapshots, '--wait').expect(0, 'another StorageClass', 'copied in full: copy-root')
    t.expect_same_content('src', 'copy')
    clone(t, 'src', 'copy2', '--storage-class', 'there-is-none').expect(3, 'StorageClass there-is-none does not exist')
    clone(t, 'src', 'copy2', '--storage-class', t.side.class_without_snapshots, '--type', 'linked').expect(3, '--type linked')


@scenario(needs=CDI, seconds=20)
def chosen_disks(t):
    t.source('src', {'root': 'Filesystem', 'data': 'Block', 'init': CLOUD_INIT})
    before = t.traces()
    clone(t, 'src', 'copy', '--disks', 'root', '--disk-size', 'root=16Mi', '--wait').expect(0, '--disks chooses or changes disks', 'left out of the new VM: disk data', r'copy +Stopped +1 bound')
    check(t.claims_of('copy') == {'root': 'copy-root'}, str(t.claims_of('copy')))
    size = t.get('persistentvolumeclaims', 'copy-root')['status']['capacity']['storage']
    check(size in ('16Mi', '16777216'), size)
    expect_disks(t, before, 'copy')
    clone(t, 'src', 'copy2', '--skip-disks', 'root', '--wait').expect(0)
    check(t.claims_of('copy2') == {'data': 'copy2-data'}, str(t.claims_of('copy2')))
    check(t.content('copy2')['data'] == t.content('src')['data'], 'the data differs')
    clone(t, 'src', 'copy3', '--disks', 'rot').expect(3, 'src has no disk rot', 'did you mean root')
    clone(t, 'src', 'copy3', '--disk-size', 'root=4Mi').expect(3, 'cannot be smaller', 'root=8Mi')
    clone(t, 'src', 'copy3', '--disk-size', 'root=many').expect(2, '--disk-size')


@scenario(needs=CDI, seconds=20)
def ownership_decided(t):
    """--own-disks: a stand-alone disk becomes the new VM's, or the other way round."""
    t.source()
    clone(t, 'src', 'copy', '--own-disks=true', '--wait').expect(0, r'copy +Stopped +1 bound, owned')
    t.delete('virtualmachines', 'copy')
    until('the disk goes with the VM', lambda: not t.get('persistentvolumeclaims', 'copy-root'))
    template_source(t, 'other')
    clone(t, 'other', 'copy2', '--own-disks=false', '--wait').expect(0, r'copy2 +Stopped +1 bound', no=['owned'])
    t.delete('virtualmachines', 'copy2')
    until('gone', lambda: not t.vm('copy2'))
    check(t.get('persistentvolumeclaims', 'copy2-root'), 'the disk went with the VM')


@scenario(needs=CDI, seconds=30)
def running_source_by_snapshot(t):
    t.source()
    t.power('src', True)
    before = t.traces()
    clone(t, 'src', 'copy', '--method', 'cdi').expect(0, 'src is running', 'agent', r'copy +Stopped +1 bound')
    t.expect_same_content('src', 'copy')
    expect_disks(t, before, 'copy')
    clone(t, 'src', 'copy2', '--running=refuse').expect(3, 'src is running', '--running=stop')


@scenario(needs=CDI, seconds=30)
def running_source_stopped(t):
    """Storage without snapshots: the source is stopped meanwhile, and started again; also when the clone fails."""
    source_without_snapshots(t)
    t.power('src', True)

    def runs():
        return (t.get('virtualmachineinstances', 'src') or {}).get('status', {}).get('phase') == 'Running'
    clone(t, 'src', 'copy').expect(3, 'src is running, and cannot be cloned from a snapshot', '--running=stop')
    check(runs(), 'a refusal stopped it')
    clone(t, 'src', 'copy', '--running=stop').expect(0, 'src is stopped meanwhile, and started again', r'copy +Stopped +1 bound')
    until('src runs again', runs)
    t.expect_same_content('src', 'copy')
    t.create('resourcequotas', {'apiVersion': 'v1', 'kind': 'ResourceQuota', 'metadata': {'name': 'q'}, 'spec': {'hard': {'persistentvolumeclaims': '2'}}})
    until('quota is counted', lambda: t.get('resourcequotas', 'q').get('status', {}).get('used'))
    clone(t, 'src', 'copy2', '--running=stop', '--stall-timeout', '4s')
    until('src runs again', runs)


@scenario(needs=CDI, seconds=30)
def started_meanwhile(t):
    """Somebody starts the source while it is copied: CDI looks only before it reads. What would be of no one moment is undone."""
    source_without_snapshots(t)
    before = t.traces()
    child = t.start('clone', 'src', 'copy', '--method', 'cdi', '--wait', '--stall-timeout', '20s')
    until('it begins', lambda: 'copy-root' in t.names('datavolumes') or child.ended(), 60)
    t.power('src', True)
    # Whether CDI has begun by then, and which is seen first, is a matter of luck.
    child.end(120).expect(1, 'VM .*/src was started while copy-root was copied from it|using PersistentVolumeClaim src-root')
    t.expect_gone_back_to(before)
    check((t.get('virtualmachineinstances', 'src') or {}).get('status', {}).get('phase') == 'Running', 'the source was stopped')


@scenario(needs=CDI, seconds=20)
def disk_of_files(t):
    """CDI fills no DataVolume of another content type than its source's."""
    t.source()
    t.api.patch('persistentvolumeclaims', t.ns, 'src-root', {'metadata': {'annotations': {'cdi.kubevirt.io/storage.contentType': 'archive'}}})
    clone(t, 'src', 'copy', '--method', 'cdi', '--wait').expect(0, r'copy +Stopped +1 bound')
    check(t.get('datavolumes', 'copy-root')['spec'].get('contentType') == 'archive', 'another content type')
    t.expect_same_content('src', 'copy')


@scenario(needs=CDI, seconds=40)
def cannot_be_scheduled(t):
    """Disks that wait for a VM that cannot start: the cause is told, and ends the wait."""
    t.source('src', storage_class=t.side.waiting_class, bound=False)
    t.power('src', True)
    t.power('src', False)
    t.until_bound('src')
    t.api.patch('virtualmachines', t.ns, 'src', {'spec': {'template': {'spec': {'nodeSelector': {'there-is': 'none'}}}}})
    before = t.traces()
    for method in ('snapshot', 'cdi'):
        clone(t, 'src', 'copy', '--method', method, '--start', '--wait', '--stall-timeout', '6s').expect(1, 'ErrorUnschedulable', within=90)
        t.expect_gone_back_to(before | hanging(t))


@scenario(needs=CDI, seconds=20)
def a_claim(t):
    t.source()
    before = t.traces()
    clone(t, 'pvc/src-root', 'copy', '--wait').expect(0, r'copy +Succeeded +8Mi +\S+ +src-root', 'made from a snapshot')
    check(t.side.content(t.ns, 'copy') == t.side.content(t.ns, 'src-root'), 'the data differs')
    t.expect_gone_back_to(before | {'datavolumes/copy', 'persistentvolumeclaims/copy'})
    clone(t, 'pvc/src-root', 'copy').expect(3, 'DataVolume .*/copy exists already')
    clone(t, 'pvc/there-is-none', 'copy2').expect(3, 'there-is-none does not exist')
    clone(t, 'pvc/src-root', 'copy2', '--cpu', '2').expect(2, 'a claim is no VM')
    clone(t, 'pvc/src-root', 'copy2', '--disk-size', '16Mi', '--type', 'full', '--wait', '-o', 'name').expect(0, 'datavolume.cdi.kubevirt.io/copy2', 'copied in full: copy2')
    t.power('src', True)
    clone(t, 'pvc/src-root', 'copy3').expect(3, 'is used by pod')


@scenario(needs=CDI, seconds=30)
def first_start(t):
    """A class that waits for a first consumer: said, and --bind fills the disk at once."""
    t.source()
    clone(t, 'src', 'copy', '--storage-class', t.side.waiting_class, '--wait').expect(
        0, '1 at first start', 'filled when copy starts for the first time; with what the disks of src hold then')
    check(t.phase('copy-root') == 'Pending', 'bound before anybody asked')
    t.power('copy', True)
    until('bound', lambda: t.bound('copy'))
    t.expect_same_content('src', 'copy')
    clone(t, 'src', 'copy2', '--storage-class', t.side.waiting_class, '--bind', '--wait').expect(0, r'copy2 +Stopped +1 bound')
    t.expect_same_content('src', 'copy2')


@scenario(needs=CDI, seconds=30)
def many_copies(t):
    """--count on storage without snapshots: one DataVolume per disk and VM."""
    source_without_snapshots(t)
    before = t.traces()
    clone(t, 'src', 'web-#', '--count', '3', '--wait').expect(0, 'method cdi', 'web-1 +Stopped', 'web-3 +Stopped')
    for target in ('web-1', 'web-2', 'web-3'):
        t.expect_same_content('src', target)
    expect_disks(t, before, 'web-1', 'web-2', 'web-3')


@scenario(needs=CDI, seconds=20)
def failing_storage(t):
    """The cause, which CDI tells in an event only, is shown; what was made is removed, and the source is left alone."""
    name = t.storage_class('fails')
    t.source('src', storage_class=name)
    t.replace_class(name, {'fail': 'no space left on device'})
    before = t.traces()
    clone(t, 'src', 'copy', '--method', 'cdi', '--wait', '--stall-timeout', '8s').expect(1, 'no space left on device', 'has not moved for 8s')
    until('nothing is left but what hangs', lambda: not t.traces() - before - hanging(t))  # CDI deletes its snapshot when it comes to it
    t.expect_gone_back_to(before | hanging(t))


@scenario(needs=CDI, seconds=20)
def failing_snapshots(t):
    """The cause is told by a temporary snapshot only."""
    name = t.storage_class('nosnap', snapshot={'fail': 'pool is full'})
    t.source('src', storage_class=name)
    before = t.traces()
    clone(t, 'src', 'copy', '--method', 'cdi', '--wait', '--stall-timeout', '8s').expect(1, 'pool is full', 'has not moved for 8s')
    t.expect_gone_back_to(before, 30)


def set_claims_quota(t, count):
    t.api.patch('resourcequotas', t.ns, 'q', {'spec': {'hard': {'persistentvolumeclaims': str(count)}}})
    until('the quota is counted', lambda: t.get('resourcequotas', 'q')['status']['hard']['persistentvolumeclaims'] == str(count))


@scenario(needs=[*CDI, 'roles'], seconds=25)
def quota(t):
    """Too small for the disks, or for what CDI needs meanwhile: refused. Where quotas may not be read: told as it happens, and undone."""
    t.source('src', {'root': 'Filesystem', 'data': 'Block'})
    t.quota(persistentvolumeclaims='3')
    before = t.traces()
    clone(t, 'src', 'copy', '--method', 'cdi', '--wait').expect(3, 'persistentvolumeclaims is limited to 3, 2 used, and 3 more would come')
    clone(t, 'src', 'copy', '--method', 'snapshot', '--wait').expect(3, 'leaves no room')
    set_claims_quota(t, 4)
    clone(t, 'src', 'copy', '--method', 'cdi', '--wait').expect(3, '2 used, and 3 more would come', 'CDI fills copy-root through a temporary claim')
    someone = f'{t.ns}-someone'
    t.role('blind', [rule for rule in roles_of(t, 'clone:cdi')['Role'] if 'resourcequotas' not in rule['resources']], someone)
    clone(t, 'src', 'copy', '--method', 'cdi', '--wait', '--stall-timeout', '6s', '--as', someone).expect(1, 'exceeded quota: q', within=90)
    t.expect_gone_back_to(before, 30)
    set_claims_quota(t, 5)
    clone(t, 'src', 'copy', '--method', 'cdi', '--wait').expect(0, r'copy +Stopped +2 bound')


@scenario(needs=CDI, seconds=15)
def limits_and_addresses(t):
    t.source()
    t.create('limitranges', {'apiVersion': 'v1', 'kind': 'LimitRange', 'metadata': {'name': 'l'},
                             'spec': {'limits': [{'type': 'PersistentVolumeClaim', 'max': {'storage': '16Mi'}}]}})
    clone(t, 'src', 'copy', '--disk-size', 'root=32Mi').expect(3, 'does not allow disk copy-root: it has 32Mi, and a claim has at most 16Mi')
    clone(t, 'src', 'copy', '--disk-size', 'root=16Mi', '--wait').expect(0)
    t.power('src', True)
    clone(t, 'src', 'copy2', '--new-mac', 'default=02-00-00-00-00-01').expect(3, '--new-mac: VirtualMachine .*/src, which runs, has the MAC address 02:00:00:00:00:01')
    clone(t, 'src', 'copy2', '--keep-mac', '--start').expect(3, '--keep-mac: VirtualMachine .*/src, which runs')


@scenario(needs=CDI)
def not_waited_for(t):
    """Without --wait: made, and the printed command waits for it."""
    t.source()
    run = clone(t, 'src', 'copy', '--method', 'cdi').expect(0, 'datavolume.cdi.kubevirt.io/copy-root created', 'nothing has been waited for')
    t.shell(printed(run, 'to wait for it')).expect(0)
    t.expect_same_content('src', 'copy')


@scenario(needs=CDI, seconds=20)
def source_by_snapshot(t):
    """A VM snapshot as source, copied in full."""
    t.source()
    t.create('virtualmachinesnapshots', {'apiVersion': 'snapshot.kubevirt.io/v1beta1', 'kind': 'VirtualMachineSnapshot',
                                         'metadata': {'name': 'monday'},
                                         'spec': {'source': {'apiGroup': 'kubevirt.io', 'kind': 'VirtualMachine', 'name': 'src'}}})
    until('ready', lambda: t.get('virtualmachinesnapshots', 'monday').get('status', {}).get('readyToUse'))
    first = t.content('src')
    t.side.fill(t.ns, 'src-root')
    clone(t, 'snapshot/monday', 'copy', '--type', 'full', '--wait').expect(0, 'method cdi', r'copy +Stopped +1 bound')
    check(t.content('copy') == first, 'the data is not that of the snapshot')


@scenario(needs=CDI, seconds=30)
def running_sources_of_other_kinds(t):
    """A disk of dataVolumeTemplates, several targets, another namespace: all from a snapshot of the moment, which goes."""
    template_source(t)
    t.power('src', True)
    before = t.traces()
    clone(t, 'src', 'web-#', '--count', '2', '--method', 'cdi').expect(0, r'web-1 +Stopped +1 bound, owned', 'web-2 +Stopped')
    for target in ('web-1', 'web-2'):
        t.expect_same_content('src', target)
    expect_disks(t, before, 'web-1', 'web-2')
    there = t.ns + '-b'
    t.api.create('namespaces', '', {'apiVersion': 'v1', 'kind': 'Namespace', 'metadata': {'name': there}})
    t.at_end(t.api.delete, 'namespaces', '', there)
    before = t.traces()
    clone(t, 'src', 'copy', '--to-namespace', there, '--type', 'full').expect(0, r'copy +Stopped +1 bound', 'copied in full: copy-root')
    check(t.side.content(there, 'copy-root') == t.side.content(t.ns, 'src-root'), 'the data differs')
    t.expect_gone_back_to(before, 30)


@scenario(needs=CDI, seconds=30)
def running_source_at_first_start(t):
    """A disk that waits for its first start is filled from the snapshot: that stays, and is named."""
    t.source()
    t.power('src', True)
    clone(t, 'src', 'copy', '--storage-class', t.side.waiting_class).expect(0, '1 at first start', r'stays: (PersistentVolumeClaim|DataVolume) copy-root is not filled yet')
    check(t.names('virtualmachinesnapshots'), 'the snapshot is gone')
    t.power('copy', True)
    until('bound', lambda: t.bound('copy'))
    t.expect_same_content('src', 'copy')
