"""The verbs, by users who may do just what `doctor --permissions` prints."""
import json

from clone.rights import roles_of
from lab import check, scenario, until
from verbs.fixtures import clone_object, restore, slow_source, take_snapshot


def user_for(t, use):
    """Someone who may do what a use needs, and nothing else."""
    someone = f'{t.ns}-{use.replace(":", "-")}'
    rules = roles_of(t, use)
    t.role(use.replace(':', '-'), rules['Role'], someone)
    if rules['ClusterRole']:
        t.cluster_role(rules['ClusterRole'], someone)
    return someone


@scenario(needs=['roles'], seconds=30)
def least_roles_to_wait(t):
    t.source()
    take_snapshot(t, 'monday')
    clone_object(t, 'c1')
    restore(t, 'r1', 'monday', 'other')
    for use, what in (('wait:vm', 'vm/src'), ('wait:vmclone', 'vmclone/c1'), ('wait:vmsnapshot', 'vmsnapshot/monday'),
                      ('wait:vmrestore', 'vmrestore/r1'), ('wait:pvc', 'pvc/src-root')):
        someone = user_for(t, use)
        t.wukong('wait', what, '--as', someone).expect(0, 'usable', no=['may not', 'could not'])
        run = t.wukong('wait', what, '-o', 'json', '--as', someone).expect(0, no=['may not', 'could not'])
        check(json.loads(run.out)['metadata']['name'] == what.rpartition('/')[2], run)
    t.wukong('status', '--as', user_for(t, 'status')).expect(0, no=['may not', 'could not'])


@scenario(needs=['roles'], seconds=40)
def least_roles_to_cancel(t):
    slow_source(t, 30, {'root': 'Filesystem'})
    take_snapshot(t, 'monday')
    before = t.traces()

    def cancelled(use, what):
        t.wukong('cancel', what, '-y', '--as', user_for(t, use)).expect(0, 'deleted', no=['may not'])
        t.expect_gone_back_to(before, 30)
    clone_object(t, 'c1')
    until('its claim stands', lambda: len(t.names('persistentvolumeclaims')) == 2)
    cancelled('cancel:vmclone', 'vmclone/c1')
    restore(t, 'r1', 'monday', 'other')
    until('its claim stands', lambda: len(t.names('persistentvolumeclaims')) == 2)
    cancelled('cancel:vmrestore', 'vmrestore/r1')
    child = t.start('clone', 'snapshot/monday', 'web-#', '--count', '2')
    until('its claims stand', lambda: len(t.names('persistentvolumeclaims')) == 3 or child.ended())
    child.kill(9)
    child.end()
    labels = t.get('persistentvolumeclaims', 'web-1-root')['metadata']['labels']
    cancelled('cancel:operation', 'operation/' + labels['vm.novasphere.dev/operation'])
    check(t.names('virtualmachinesnapshots') == ['monday'], 'the source was deleted')
