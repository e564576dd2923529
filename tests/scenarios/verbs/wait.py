"""`wait`: until things are usable, and what is said when they are not."""
import signal

from clone.rights import rules_in
from lab import check, printed, scenario, until
from verbs.fixtures import clone_object, data_volume, export, restore, slow_source, take_snapshot


@scenario(needs=['kubectl'])
def the_command_that_clone_prints(t):
    t.source()
    run = t.clone('src', 'copy').expect(0, 'nothing has been waited for')
    t.shell(printed(run, 'to wait for it')).expect(0, r'virtualmachineclone\.clone\.kubevirt\.io/copy-\w+ usable')
    check(t.bound('copy'), 'not bound')


@scenario
def several_at_once(t):
    slow_source(t, 4, {'root': 'Filesystem'}, held=False)
    take_snapshot(t, 'monday', ready=False)
    clone_object(t, 'c1')
    run = t.wukong('wait', 'vmsnapshot/monday', 'vmclone/c1', 'vm/src', 'pvc/src-root', '-o', 'name').expect(0)
    check(run.out.split() == ['virtualmachinesnapshot.snapshot.kubevirt.io/monday', 'virtualmachineclone.clone.kubevirt.io/c1',
                              'virtualmachine.kubevirt.io/src', 'persistentvolumeclaim/src-root'], run)
    check(t.bound('copy'), 'not bound')
    t.wukong('wait', 'vm', 'src', 'copy').expect(0, 'kubevirt.io/src usable', 'kubevirt.io/copy usable')
    t.wukong('wait', 'vm/src', '-o', 'yaml').expect(0, 'kind: VirtualMachine', no=['items:'])
    t.wukong('wait', 'virtualmachines.kubevirt.io/copy', '-o', 'json').expect(0, '"kind": "VirtualMachine"')


@scenario
def a_restore_to_a_new_vm(t):
    slow_source(t, 3, {'root': 'Filesystem'}, held=False)
    take_snapshot(t, 'monday')
    restore(t, 'r1', 'monday', 'other')
    t.wukong('wait', 'vmrestore/r1').expect(0, 'r1 usable')
    check(t.bound('other'), 'not bound')


@scenario
def what_is_not_there(t):
    t.source()
    t.wukong('wait', 'vm/srk').expect(3, f'VirtualMachine {t.ns}/srk does not exist', 'did you mean vm/src')
    t.wukong('wait', 'vmclone/none').expect(3, 'does not exist', 'kubectl get virtualmachineclones')
    t.wukong('wait', 'pvc/gone', '--for', 'delete').expect(0, 'persistentvolumeclaim/gone deleted')


@scenario
def words_that_cannot_be(t):
    t.wukong('wait').expect(2)
    t.wukong('wait', 'src').expect(2, 'vm/src')
    t.wukong('wait', 'operation/x7k2p').expect(2, 'status operation/x7k2p')
    t.wukong('wait', 'vmclne/src').expect(2, 'did you mean vmclone')
    t.wukong('wait', 'vm/Under_Score').expect(2, 'cannot be the name')
    t.wukong('wait', 'vm/src', '--for', 'runnin').expect(2, 'did you mean running')
    t.wukong('wait', 'vm/src', '--for', 'condition=').expect(2)
    t.wukong('wait', 'vm/src', '--timeout', 'soon').expect(2, '--timeout')


@scenario
def a_kind_that_is_not_served(t):
    if 'data volumes' in t.side.lacks:
        t.wukong('wait', 'dv/image').expect(3, 'does not serve DataVolume', 'CDI')
    else:
        t.wukong('wait', 'dv/image').expect(3, 'DataVolume .*image does not exist')


@scenario
def a_claim_that_is_filled_in_place(t):
    """Uploads to claims, and storage without a CSI driver: the claim is bound first and filled then, as CDI's annotation on it tells."""
    def worker(phase):
        t.api.patch('persistentvolumeclaims', t.ns, 'src-root', {'metadata': {'annotations': {'cdi.kubevirt.io/storage.pod.phase': phase}}})
    t.source()
    worker('Running')
    t.wukong('wait', 'pvc/src-root', '--timeout', '2s').expect(5, 'Filling')
    t.wukong('wait', 'vm/src', '--timeout', '2s').expect(5, '0 of 1 volume')
    worker('Succeeded')
    t.wukong('wait', 'pvc/src-root', 'vm/src').expect(0, 'src-root usable', 'src usable')


@scenario
def until_the_timeout(t):
    name = t.storage_class('slow', delay=90)
    t.make_claim('data', storage_class=name)
    run = t.wukong('wait', 'pvc/data', '--timeout', '2s').expect(5, 'timed out after 2s waiting for PersistentVolumeClaim')
    check(printed(run, 'to go on waiting') == f'kubectl wukong wait pvc/data -n {t.ns}', run)


@scenario
def one_of_two_until_the_timeout(t):
    name = t.storage_class('slow', delay=90)
    t.source()
    t.make_claim('data', storage_class=name)
    t.wukong('wait', 'vm/src', 'pvc/data', '--timeout', '5s').expect(6, 'kubevirt.io/src usable', 'timed out after 5s')


@scenario
def ctrl_c(t):
    name = t.storage_class('slow', delay=90)
    t.make_claim('data', storage_class=name)
    child = t.start('wait', 'pvc/data', terminal=(100, 24))
    child.until_says('Provisioning')
    child.press_ctrl_c()
    run = child.end().expect(130, 'interrupted')
    check(printed(run, 'to go on waiting').startswith('kubectl wukong wait pvc/data'), run)
    child = t.start('wait', 'pvc/data')
    child.until_says('Provisioning')
    child.kill(signal.SIGTERM)
    child.end().expect(143)


@scenario(seconds=15)
def failing_storage(t):
    name = t.storage_class('fails', fail='no space left on device')
    t.make_claim('data', storage_class=name)
    t.wukong('wait', 'pvc/data', '--stall-timeout', '5s').expect(1, 'no space left on device', 'has not moved for 5s')


@scenario
def a_failed_snapshot(t):
    name = t.storage_class('nosnap', snapshot={'fail': 'pool is full'})
    t.source('src', {'root': 'Filesystem'}, storage_class=name)
    take_snapshot(t, 'monday', ready=False, failureDeadline='10s')  # storage has told its error by then
    t.wukong('wait', 'vmsnapshot/monday').expect(1, 'failed', 'pool is full')


@scenario
def deletion(t):
    t.source()
    child = t.start('wait', 'pvc/src-root', 'vm/src', '--for=delete')
    child.until_says('nobody has deleted it|Waiting')
    t.delete('virtualmachines', 'src')
    t.delete('persistentvolumeclaims', 'src-root')
    child.end().expect(0, 'kubevirt.io/src deleted', 'src-root deleted')


@scenario
def deleted_while_waited_for(t):
    name = t.storage_class('slow', delay=90)
    t.make_claim('data', storage_class=name)
    child = t.start('wait', 'pvc/data')
    child.until_says('Provisioning')
    t.delete('persistentvolumeclaims', 'data')
    child.end().expect(1, 'was deleted before it was bound', within=60)


@scenario
def a_vm_that_runs(t):
    t.source()
    t.wukong('wait', 'vm/src', '--for', 'running').expect(1, 'does not run: its run strategy is Halted', within=40)
    child = t.start('wait', 'vm/src', '--for', 'condition=Ready')
    t.power('src', True)
    child.end().expect(0, 'kubevirt.io/src condition met')
    t.wukong('wait', 'vm/src', '--for=running').expect(0, 'src running')
    t.wukong('wait', 'vm/src', '--for=ready').expect(0, 'src ready')
    t.wukong('wait', 'vm/src', '--for=condition=ready=true').expect(0, 'condition met')
    t.wukong('wait', 'vm/src', '--for', 'jsonpath={.status.printableStatus}=Running').expect(0, 'condition met')
    t.wukong('wait', 'vm/src', '--for', 'jsonpath={.spec.nothing}', '--timeout', '4s').expect(5, 'there is no {.spec.nothing} yet')
    t.wukong('wait', 'pvc/src-root', '--for', 'running').expect(2, 'is no VM')


@scenario
def disks_that_wait_for_a_first_start(t):
    t.source('src', storage_class=t.side.waiting_class, bound=False)
    t.wukong('wait', 'vm/src', 'pvc/src-root').expect(0, 'first start|starts for the first time', 'first consumer')
    t.wukong('wait', 'vm/src', '--for', 'bound', '--timeout', '4s').expect(5, 'first start')
    child = t.start('wait', 'vm/src', 'pvc/src-root', '--for', 'bound')
    t.power('src', True)
    child.end().expect(0, 'src bound', 'src-root bound')


@scenario(needs=['data volumes'], seconds=20)
def data_volumes(t):
    data_volume(t, 'empty', blank={})
    t.wukong('wait', 'dv/empty').expect(0, r'datavolume\.cdi\.kubevirt\.io/empty usable')
    t.wukong('wait', 'datavolumes/empty', '--for', 'bound').expect(0, 'empty bound')
    data_volume(t, 'lost', http={'url': 'http://127.0.0.1:9/disk.img'})
    t.wukong('wait', 'dv/lost', '--stall-timeout', '15s', seconds=180).expect(1, 'connection refused', 'has not moved')
    data_volume(t, 'later', t.side.waiting_class, blank={})
    t.wukong('wait', 'dv/later').expect(0, 'first uses it')


@scenario(needs=['exports'], seconds=20)
def exports(t):
    t.source()
    export(t, 'e1')
    t.wukong('wait', 'vmexport/e1').expect(0, 'e1 usable')
    t.power('src', True)
    export(t, 'e2')
    t.wukong('wait', 'vmexport/e2', '--stall-timeout', '8s').expect(1, 'InUse', 'is running')


@scenario(needs=['roles'])
def without_rights(t):
    t.source()
    clone_object(t, 'c1')
    until('done', lambda: t.vm('copy') and t.bound('copy'))
    run = t.wukong('wait', 'vmclone/c1', 'vm/src', user='viewer').expect(4, 'virtualmachineclones', 'Role')
    t.role('least', rules_in(run))
    t.wukong('wait', 'vmclone/c1', 'vm/src', user='viewer').expect(0, 'c1 usable', 'src usable')


@scenario
def progress_for_programs(t):
    t.source()
    run = t.wukong('wait', 'vm/src', '--progress', 'json').expect(0, '"type":"result"')
    check(all(line.startswith('{') for line in run.err.splitlines()), run)
