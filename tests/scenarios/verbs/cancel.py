"""`cancel`: nothing is left of what was under way, and nothing that is complete goes."""
import os
import re
import signal
import time

from clone.fixtures import slow_clone
from clone.namespaces import other_namespace
from clone.rights import rules_in
from lab import check, manifests, printed, scenario, until
from verbs.fixtures import clone_object, data_volume, export, restore, slow_source, take_snapshot


@scenario(needs=['kubectl'], seconds=25)
def a_clone_at_any_time(t):
    """Also when it has not begun with its claims."""
    slow_source(t, 20, {'root': 'Filesystem'}, snapshots={'delay': 1})
    before = t.traces()
    for pause in (0, 0.4, 1.5, 2.5):
        run = t.clone('src', 'copy').expect(0)
        time.sleep(pause)
        t.shell(printed(run, 'to give it up')).expect(0, 'virtualmachineclone.clone.kubevirt.io/copy-\\w+ deleted')
        t.expect_gone_back_to(before, 30)


@scenario(needs=['kubectl'], seconds=15)
def a_clone_that_was_interrupted_at_once(t):
    slow_source(t, 20)
    before = t.traces()
    child = t.start('clone', 'src', 'copy', '--wait')
    until('the clone stands', lambda: t.names('virtualmachineclones') or child.ended())
    child.kill(signal.SIGINT)
    run = child.end().expect(130)
    t.shell(printed(run, 'to give it up')).expect(0)
    t.expect_gone_back_to(before, 30)


@scenario
def a_clone_that_has_finished(t):
    t.source()
    t.clone('src', 'copy', '--wait', '--keep').expect(0)
    clone, = t.names('virtualmachineclones')
    before = t.traces()
    t.wukong('cancel', f'vmclone/{clone}', '-y').expect(3, 'has finished', 'VM copy is usable', 'kubectl delete virtualmachine copy')
    t.expect_gone_back_to(before)
    check(t.vm('copy') and t.bound('copy'), 'it was touched')


@scenario
def a_clone_that_has_finished_and_whose_vm_got_a_disk(t):
    """Its claims are not all the clone's any more: it is in use all the same."""
    t.source()
    t.clone('src', 'copy', '--wait', '--keep').expect(0)
    clone, = t.names('virtualmachineclones')
    t.make_claim('more')
    spec = t.vm('copy')['spec']['template']['spec']
    spec['domain']['devices']['disks'].append({'name': 'more', 'disk': {'bus': 'virtio'}})
    spec['volumes'].append({'name': 'more', **manifests.on_claim('more')})
    t.api.patch('virtualmachines', t.ns, 'copy', {'spec': {'template': {'spec': spec}}})
    until('the new disk is there', lambda: t.phase('more') == 'Bound')
    # A busy clone controller is behind its finished clone.
    until('nothing is told of as under way', lambda: t.wukong('status', '-o', 'name').expect(0).out == '')
    before = t.traces()
    t.wukong('wait', f'vmclone/{clone}').expect(0, 'did not make: more')
    t.wukong('cancel', f'vmclone/{clone}', '-y').expect(3, 'has finished', 'kubectl delete virtualmachine copy')
    t.expect_gone_back_to(before)


@scenario(seconds=15)
def a_clone_that_waits_for_a_first_start(t):
    t.source('src', storage_class=t.side.waiting_class, bound=False)
    t.power('src', True)
    t.power('src', False)
    t.until_bound('src')
    t.clone('src', 'copy', '--wait').expect(0)
    clone, = t.names('virtualmachineclones')
    t.wukong('cancel', f'vmclone/{clone}', '-y').expect(3, 'has finished', 'not bound yet need it', 'start VM copy once')
    t.power('copy', True)
    until('bound', lambda: t.bound('copy'))


@scenario(seconds=20)
def all_that_status_names(t):
    """What waits for a first start only is left, and named; the rest goes."""
    slow_source(t, 20, {'root': 'Filesystem'})
    t.source('waits', storage_class=t.side.waiting_class, bound=False)
    clone_object(t, 'c1')
    names = t.wukong('status', '-o', 'name').expect(0, 'virtualmachine.kubevirt.io/waits', 'virtualmachineclone.clone.kubevirt.io/c1').out.split()
    t.wukong('cancel', *names, '-y').expect(6, 'vmclone|virtualmachineclone.clone.kubevirt.io/c1 deleted', '1 of 2 cannot be cancelled',
                                            'VirtualMachine .*/waits is nothing that can be cancelled')
    until('nothing temporary is left', lambda: not t.temporary())
    check('virtualmachines/waits' in t.traces() and 'persistentvolumeclaims/waits-root' in t.traces(), 'it was touched')
    t.wukong('cancel', *names, '-y').expect(3, 'vmclone|VirtualMachineClone .*/c1 does not exist')


@scenario
def parts_of_a_clone_and_things_that_are_none(t):
    child, before = slow_clone(t)
    clone, = t.names('virtualmachineclones')
    inner, = t.names('virtualmachinerestores')
    t.wukong('cancel', f'vmrestore/{inner}', '-y').expect(3, 'is part of VirtualMachineClone', f'cancel vmclone/{clone}')
    kubeconfig = t.side.kubeconfigs['admin']
    t.wukong('cancel', 'vm/src', '-y', '--kubeconfig', kubeconfig).expect(
        3, 'nothing that can be cancelled', f'kubectl wukong status -n {t.ns} --kubeconfig {kubeconfig} shows')
    t.wukong('cancel', 'pvc/src-root', '-y').expect(3, 'nothing that can be cancelled')
    t.wukong('cancel', 'vmclone/none', '-y').expect(3, 'does not exist')
    t.wukong('cancel', 'operation/none', '-y').expect(3, 'belongs to operation none')
    t.wukong('cancel', 'src', '-y').expect(2)
    t.hurry()
    child.end().expect(0)


@scenario(seconds=15)
def must_be_confirmed(t):
    slow_source(t, 30)
    t.clone('src', 'copy').expect(0)
    clone, = t.names('virtualmachineclones')
    t.wukong('cancel', f'vmclone/{clone}').expect(3, 'must be confirmed', 'add -y')
    t.wukong('cancel', f'vmclone/{clone}', '--dry-run').expect(0, r'delete VirtualMachineClone', r'\(dry run\)')
    run = t.wukong('cancel', f'vmclone/{clone}', '--dry-run', '-o', 'name').expect(0)
    check(run.out.splitlines()[0] == f'virtualmachineclone.clone.kubevirt.io/{clone}' and ' ' not in run.out, run)
    t.wukong('cancel', f'vmclone/{clone}', '--timeout', 'soon').expect(2, '--timeout')
    child = t.start('cancel', f'vmclone/{clone}', terminal=(120, 24))
    child.until_says(r'\[y/N\]')
    os.write(child.terminal, b'n\n')
    child.end().expect(3, 'not confirmed: nothing was changed')
    child = t.start('cancel', f'vmclone/{clone}', terminal=(120, 24))
    child.until_says(r'\[y/N\]')
    child.press_ctrl_c()
    check(child.end().code in (-signal.SIGINT, 130), 'did not end')
    check(t.names('virtualmachineclones') == [clone], 'it was touched')
    child = t.start('cancel', f'vmclone/{clone}', terminal=(120, 24))
    child.until_says(r'\[y/N\]')
    os.write(child.terminal, b'y\n')
    child.end().expect(0, 'deleted')
    until('nothing temporary is left', lambda: not t.temporary())


@scenario(seconds=15)
def a_snapshot(t):
    slow_source(t, 0, snapshots={'delay': 6, 'held': True})
    before = t.traces()
    take_snapshot(t, 'monday', ready=False)
    until('it is being taken', lambda: t.names('volumesnapshots'))
    t.wukong('cancel', 'vmsnapshot/monday', '-y').expect(0, 'virtualmachinesnapshot.snapshot.kubevirt.io/monday deleted')
    t.expect_gone_back_to(before, 30)


@scenario
def a_snapshot_on_failing_storage(t):
    name = t.storage_class('nosnap', snapshot={'fail': 'pool is full'})
    t.source('src', {'root': 'Filesystem'}, storage_class=name)
    before = t.traces()
    take_snapshot(t, 'monday', ready=False)
    until('it has an error', lambda: t.get('virtualmachinesnapshots', 'monday').get('status', {}).get('error'))
    t.wukong('cancel', 'vmsnapshot/monday', '-y').expect(0, 'monday deleted', within=40)
    t.expect_gone_back_to(before, 30)


@scenario
def a_snapshot_that_somebody_holds(t):
    """--timeout ends the wait until it is gone."""
    name = t.storage_class('nosnap', snapshot={'fail': 'pool is full'})
    t.source('src', {'root': 'Filesystem'}, storage_class=name)
    snapshot = manifests.vm_snapshot('monday', 'src')
    snapshot['metadata']['finalizers'] = ['example.com/hold']
    t.create('virtualmachinesnapshots', snapshot)

    def let_go():
        if found := t.get('virtualmachinesnapshots', 'monday'):
            others = [each for each in found['metadata']['finalizers'] if each != 'example.com/hold']
            t.api.patch('virtualmachinesnapshots', t.ns, 'monday', {'metadata': {'finalizers': others}})
    t.at_end(let_go)
    until('it has an error', lambda: t.get('virtualmachinesnapshots', 'monday').get('status', {}).get('error'))
    t.wukong('cancel', 'vmsnapshot/monday', '-y', '--timeout', '2s').expect(5, 'timed out after 2s', 'held by .*example.com/hold', within=20)
    let_go()
    until('it is gone', lambda: not t.get('virtualmachinesnapshots', 'monday'))


@scenario
def a_snapshot_that_is_taken(t):
    slow_source(t, 20, {'root': 'Filesystem'})
    take_snapshot(t, 'monday')
    t.wukong('cancel', 'vmsnapshot/monday', '-y').expect(3, 'has finished', 'kubectl delete virtualmachinesnapshot monday')
    restore(t, 'r1', 'monday', 'other')
    until('it has begun', lambda: len(t.names('persistentvolumeclaims')) == 2)
    t.wukong('cancel', 'vmsnapshot/monday', '-y').expect(3, 'needed by claims|in use by vmrestore/r1')
    check(t.names('virtualmachinesnapshots') == ['monday'], 'it was touched')


@scenario(seconds=15)
def a_restore_to_a_new_vm(t):
    slow_source(t, 20)
    take_snapshot(t, 'monday')
    before = t.traces()
    restore(t, 'r1', 'monday', 'other')
    until('its claims stand', lambda: len(t.names('persistentvolumeclaims')) == 4)
    run = t.wukong('cancel', 'vmrestore/r1', '-y').expect(0, 'vmrestore|virtualmachinerestore.snapshot.kubevirt.io/r1 deleted')
    check(run.out.count('persistentvolumeclaim/') == 2, run)
    t.expect_gone_back_to(before, 30)


@scenario(seconds=15)
def a_restore_into_the_same_vm(t):
    slow_source(t, 8)
    take_snapshot(t, 'monday')
    before, disks = t.traces(), t.claims_of('src')
    restore(t, 'r1', 'monday', 'src')
    until('its claims stand', lambda: len(t.names('persistentvolumeclaims')) == 4)
    t.wukong('cancel', 'vmrestore/r1', '-y').expect(0)
    t.expect_gone_back_to(before, 30)
    check(t.claims_of('src') == disks, 'the disks of the VM were changed')
    t.hurry()
    restore(t, 'r2', 'monday', 'src')
    t.wukong('wait', 'vmrestore/r2').expect(0)
    t.wukong('cancel', 'vmrestore/r2', '-y').expect(3, 'has finished')


@scenario(needs=['kubectl'], seconds=25)
def all_that_a_run_has_made(t):
    slow_source(t, 20)
    before = t.traces()
    child = t.start('clone', 'src', 'web-#', '--count', '3')

    def claims_stand():
        """They are made side by side: web-1's may be the last."""
        names = t.names('persistentvolumeclaims')
        return len(names) >= 6 and 'web-1-root' in names
    until('claims stand', lambda: claims_stand() or child.ended())
    child.kill(signal.SIGINT)
    run = child.end().expect(130)
    command = printed(run, 'to give it up')
    check(re.search(r'cancel operation/\w+ ', command), run)
    t.shell(command).expect(0, 'persistentvolumeclaim/web-1-root deleted', 'virtualmachinesnapshot')
    t.expect_gone_back_to(before, 30)


@scenario(seconds=20)
def a_run_that_has_finished(t):
    t.source()
    for keep in ([], ['--keep-snapshot']):
        prefix = 'kept' if keep else 'web'
        t.clone('src', f'{prefix}-#', '--count', '2', *keep).expect(0)
        operation = t.vm(f'{prefix}-1')['metadata']['labels']['vm.novasphere.dev/operation']
        t.wukong('cancel', f'operation/{operation}', '-y').expect(3, 'has finished', f'{prefix}-1, {prefix}-2 are usable')
        check(t.bound(f'{prefix}-1') and t.bound(f'{prefix}-2'), 'it was touched')


def left_of(t, operation, name):
    """A claim of the operation that is never bound."""
    claim = manifests.claim(name, 'no-such-class')
    claim['metadata']['labels'] = {'vm.novasphere.dev/operation': operation, 'app.kubernetes.io/managed-by': 'kubectl-wukong'}
    return claim


@scenario(seconds=20)
def a_run_that_is_partly_done(t):
    """Only what is unfinished goes, also when a disk has been detached since."""
    t.source()
    t.clone('src', 'web-#', '--count', '2', '--wait').expect(0)
    operation = t.vm('web-1')['metadata']['labels']['vm.novasphere.dev/operation']
    before = t.traces()
    t.create('persistentvolumeclaims', left_of(t, operation, 'web-3-root'))
    t.create('persistentvolumeclaims', left_of(t, operation, 'web-1-old'))
    run = t.wukong('cancel', f'operation/{operation}', '--dry-run=server').expect(0, r'web-3-root deleted \(server dry run\)')
    check(run.out.count('\n') == 1 and 'web-3-root' in t.names('persistentvolumeclaims'), run)
    t.wukong('cancel', f'operation/{operation}', '-y').expect(0, 'web-3-root deleted', 'web-1, web-2 are usable', 'pvc/web-1-old .* stays')
    check('web-1-old' in t.names('persistentvolumeclaims'), 'a disk that was detached is gone')
    t.delete('persistentvolumeclaims', 'web-1-old')
    t.expect_gone_back_to(before, 30)
    t.wukong('cancel', f'operation/{operation}', '-y').expect(3, 'has finished')


@scenario(needs=['kubectl'], seconds=15)
def a_clone_and_its_service(t):
    """That of another VM stays, whatever its labels."""
    slow_source(t, 20, {'root': 'Filesystem'})
    before = t.traces()
    run = t.clone('src', 'copy', '--expose', '22', '--ingress', 'copy.example.com').expect(0)
    check(t.names('services') == ['copy'] and t.names('ingresses') == ['copy'], 'they were not made')
    service = t.get('services', 'copy')
    t.create('services', {'apiVersion': 'v1', 'kind': 'Service', 'metadata': {'name': 'other', 'labels': service['metadata']['labels']},
                          'spec': {'ports': [{'port': 22}]}})
    t.shell(printed(run, 'to give it up')).expect(0, 'service/copy deleted', 'ingress.networking.k8s.io/copy deleted')
    check(t.names('services') == ['other'] and not t.names('ingresses'), 'services or ingresses')
    t.expect_gone_back_to(before, 30)


def labelled(kind, name, operation, **more):
    return {'apiVersion': 'v1', 'kind': kind, **more,
            'metadata': {'name': name, 'labels': {'vm.novasphere.dev/operation': operation, 'app.kubernetes.io/managed-by': 'kubectl-wukong'}}}


@scenario
def what_was_copied_for_a_vm(t):
    """--copy-refs has made it in another namespace than the source's: nothing else may be left of the run."""
    for name in ('user-data', 'shared'):
        t.create('secrets', labelled('Secret', name, 'abcde', stringData={'userdata': 'x'}))
    t.create('configmaps', labelled('ConfigMap', 'settings', 'abcde', data={'a': 'b'}))
    foreign = labelled('Secret', 'foreign', 'abcde')
    del foreign['metadata']['labels']['app.kubernetes.io/managed-by']
    t.create('secrets', foreign)
    t.make_vm('other', {'init': {'cloudInitNoCloud': {'secretRef': {'name': 'shared'}}}})
    t.wukong('cancel', 'operation/abcde', '-y').expect(0, 'secret/user-data deleted', 'configmap/settings deleted', 'secret/shared is named by vm/other')
    left = set(t.names('secrets'))
    check({'shared', 'foreign'} <= left and 'user-data' not in left and 'settings' not in t.names('configmaps'), str(left))
    t.delete('virtualmachines', 'other')
    until('the VM is gone', lambda: not t.vm('other'))
    t.wukong('cancel', 'operation/abcde', '-y').expect(0, 'secret/shared deleted')
    t.wukong('cancel', 'operation/abcde', '-y').expect(3, 'belongs to operation abcde')


@scenario(seconds=15)
def a_snapshot_that_another_namespace_needs(t):
    t.source()
    there = other_namespace(t)
    snapshot = manifests.vm_snapshot('copy-abcde', 'src')
    snapshot['metadata'] |= {'labels': {'vm.novasphere.dev/operation': 'abcde'}, 'annotations': {'vm.novasphere.dev/target-namespace': there}}
    t.create('virtualmachinesnapshots', snapshot)
    until('it is taken', lambda: t.get('virtualmachinesnapshots', 'copy-abcde').get('status', {}).get('readyToUse'))
    t.api.create('persistentvolumeclaims', there, left_of(t, 'abcde', 'copy-root'))
    t.wukong('cancel', 'operation/abcde', '-y').expect(3, f'needed by disks in namespace {there}', 'copy-root', f'cancel operation/abcde -n {there}')
    check(t.names('virtualmachinesnapshots') == ['copy-abcde'], 'it was touched')
    t.api.delete('persistentvolumeclaims', there, 'copy-root')
    until('the claim is gone', lambda: not t.api.names('persistentvolumeclaims', there))
    t.wukong('cancel', 'operation/abcde', '-y').expect(0, 'copy-abcde deleted', within=40)


@scenario(needs=['data volumes'], seconds=20)
def data_volumes(t):
    before = t.traces()
    data_volume(t, 'lost', http={'url': 'http://127.0.0.1:9/disk.img'})
    until('it has begun', lambda: t.names('persistentvolumeclaims'))
    t.wukong('cancel', 'dv/lost', '-y').expect(0, 'datavolume.cdi.kubevirt.io/lost deleted')
    t.expect_gone_back_to(before, 30)
    data_volume(t, 'empty', blank={})
    t.wukong('wait', 'dv/empty').expect(0)
    t.wukong('cancel', 'dv/empty', '-y').expect(3, 'has finished', 'it holds data')


@scenario(needs=['exports'], seconds=20)
def exports(t):
    t.source()
    before = t.traces()
    export(t, 'e1')
    t.wukong('wait', 'vmexport/e1').expect(0)
    t.wukong('cancel', 'export/e1', '-y', '-o', 'name').expect(0, 'virtualmachineexport.export.kubevirt.io/e1')
    t.expect_gone_back_to(before, 30)


@scenario(needs=['roles'])
def without_rights(t):
    slow_source(t, 30)
    clone_object(t, 'c1')
    before = t.traces()
    t.wukong('cancel', 'vmclone/c1', '-y', user='viewer').expect(4, 'virtualmachineclones')
    t.bind('view')
    run = t.wukong('cancel', 'vmclone/c1', '-y', user='viewer').expect(4, 'nothing was changed', 'delete virtualmachineclones', 'Role')
    check(before <= t.traces(), 'something was deleted')
    t.role('least', rules_in(run))
    t.wukong('cancel', 'vmclone/c1', '-y', user='viewer').expect(0, 'c1 deleted')
    until('nothing temporary is left', lambda: not t.temporary())


@scenario(needs=['roles'])
def as_kubevirt_edit(t):
    """Claims cannot be read: the rest goes, and it says what is left."""
    slow_source(t, 20)
    t.bind('kubevirt.io:edit')
    clone_object(t, 'c1')
    until('its claims stand', lambda: len(t.names('persistentvolumeclaims')) == 4)
    t.wukong('cancel', 'vmclone/c1', '-y', user='viewer').expect(0, 'c1 deleted', 'claims may not be read')
    until('nothing temporary is left', lambda: not t.temporary())
