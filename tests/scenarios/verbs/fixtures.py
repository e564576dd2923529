"""Objects that others would make, and that the verbs then look after."""
from lab import until


def vm_reference(name):
    return {'apiGroup': 'kubevirt.io', 'kind': 'VirtualMachine', 'name': name}


def take_snapshot(t, name, vm='src', ready=True, **spec):
    t.create('virtualmachinesnapshots', {'apiVersion': 'snapshot.kubevirt.io/v1beta1', 'kind': 'VirtualMachineSnapshot',
                                         'metadata': {'name': name}, 'spec': {'source': vm_reference(vm), **spec}})
    if ready:
        until('the snapshot is ready', lambda: t.get('virtualmachinesnapshots', name).get('status', {}).get('readyToUse'))


def restore(t, name, snapshot, target):
    t.create('virtualmachinerestores', {'apiVersion': 'snapshot.kubevirt.io/v1beta1', 'kind': 'VirtualMachineRestore', 'metadata': {'name': name},
                                        'spec': {'target': vm_reference(target), 'virtualMachineSnapshotName': snapshot}})


def clone_object(t, name, source='src', target='copy'):
    t.create('virtualmachineclones', {'apiVersion': 'clone.kubevirt.io/v1beta1', 'kind': 'VirtualMachineClone', 'metadata': {'name': name},
                                      'spec': {'source': vm_reference(source), 'target': vm_reference(target)}})


def data_volume(t, name, storage_class=None, **source):
    """`source`: blank={} or http={'url': …}."""
    t.create('datavolumes', {'apiVersion': 'cdi.kubevirt.io/v1beta1', 'kind': 'DataVolume', 'metadata': {'name': name},
                             'spec': {'source': source, 'storage': {'accessModes': ['ReadWriteOnce'], 'resources': {'requests': {'storage': '16Mi'}},
                                                                    'storageClassName': storage_class or t.side.plain_class}}})


def export(t, name, vm='src'):
    t.create('virtualmachineexports', {'apiVersion': 'export.kubevirt.io/v1beta1', 'kind': 'VirtualMachineExport', 'metadata': {'name': name},
                                       'spec': {'source': vm_reference(vm)}})


def slow_source(t, delay, disks=None, snapshots=None, held=True):
    """A source whose further volumes take `delay` seconds; those that are `held`, until t.hurry(), where the side can do that."""
    name = t.storage_class('slow', snapshot=snapshots)
    t.source('src', disks or {'root': 'Filesystem', 'data': 'Block'}, storage_class=name)
    if delay:
        t.replace_class(name, {'delay': delay, 'held': held})
    return name
