"""Objects as a user would write them."""

CLOUD_INIT = {'cloudInitNoCloud': {'userData': '#cloud-config\nhostname: source\n'}}
CONTAINER_DISK = {'containerDisk': {'image': 'registry.test/fedora:41'}}


def on_claim(name):
    return {'persistentVolumeClaim': {'claimName': name}}


def claim(name, storage_class, mode='Filesystem', size='8Mi'):
    return {'apiVersion': 'v1', 'kind': 'PersistentVolumeClaim', 'metadata': {'name': name},
            'spec': {'accessModes': ['ReadWriteOnce'], 'volumeMode': mode, 'storageClassName': storage_class,
                     'resources': {'requests': {'storage': size}}}}


def vm_snapshot(name, of):
    return {'apiVersion': 'snapshot.kubevirt.io/v1beta1', 'kind': 'VirtualMachineSnapshot', 'metadata': {'name': name},
            'spec': {'source': {'apiGroup': 'kubevirt.io', 'kind': 'VirtualMachine', 'name': of}}}


def vm(name, volumes, labels=None, annotations=None, template_labels=None):
    """A stopped VM; `volumes`: name -> volume source."""
    disks = [{'name': n, 'disk': {'bus': 'virtio'}} for n in volumes]
    return {'apiVersion': 'kubevirt.io/v1', 'kind': 'VirtualMachine',
            'metadata': {'name': name, 'labels': labels or {}, 'annotations': annotations or {}},
            'spec': {'runStrategy': 'Halted', 'template': {
                'metadata': {'labels': template_labels or {}},
                'spec': {'terminationGracePeriodSeconds': 0, 'architecture': 'amd64',
                         'domain': {'devices': {'disks': disks, 'interfaces': [{'name': 'default', 'masquerade': {}, 'macAddress': '02:00:00:00:00:01'}]},
                                    'firmware': {'uuid': '5d307ca9-b3ef-428c-8861-06e72d69f223', 'serial': 'source-serial'},
                                    'resources': {'requests': {'memory': '64Mi'}}},
                         'networks': [{'name': 'default', 'pod': {}}],
                         'volumes': [{'name': n, **source} for n, source in volumes.items()]}}}}


def storage_class(name, driver, binding='Immediate', parameters=None):
    return {'apiVersion': 'storage.k8s.io/v1', 'kind': 'StorageClass', 'metadata': {'name': name}, 'provisioner': driver,
            'volumeBindingMode': binding, 'parameters': parameters or {}}


def snapshot_class(name, driver, parameters):
    return {'apiVersion': 'snapshot.storage.k8s.io/v1', 'kind': 'VolumeSnapshotClass', 'metadata': {'name': name}, 'driver': driver,
            'deletionPolicy': 'Delete', 'parameters': parameters}
