"""Clones to another namespace: data, what the VM names, rights."""
import base64
import re

from lab import check, manifests, scenario, until

CDI = ['data volumes']
INIT = {'cloudInitNoCloud': {'secretRef': {'name': 'user-data'}}}


def other_namespace(t):
    """One more, which goes when the scenario ends."""
    name = t.ns + '-b'
    t.api.create('namespaces', '', {'apiVersion': 'v1', 'kind': 'Namespace', 'metadata': {'name': name}})
    t.at_end(t.api.delete, 'namespaces', '', name)
    return name


def secret(t, text):
    t.create('secrets', {'apiVersion': 'v1', 'kind': 'Secret', 'metadata': {'name': 'user-data'},
                         'data': {'userdata': base64.b64encode(text.encode()).decode()}})


def bind(t, ns, role, rules=None, user='viewer'):
    if rules:
        t.api.create('roles', ns, {'apiVersion': 'rbac.authorization.k8s.io/v1', 'kind': 'Role', 'metadata': {'name': role}, 'rules': rules})
    t.api.create('rolebindings', ns, {
        'apiVersion': 'rbac.authorization.k8s.io/v1', 'kind': 'RoleBinding', 'metadata': {'name': re.sub('[^a-z0-9]', '-', role)},
        'roleRef': {'apiGroup': 'rbac.authorization.k8s.io', 'kind': 'Role' if rules else 'ClusterRole', 'name': role},
        'subjects': [{'kind': 'User', 'name': user, 'apiGroup': 'rbac.authorization.k8s.io'}]})
    t.until_bound_to('Role' if rules else 'ClusterRole', role, user, ns)


@scenario(needs=CDI, seconds=30)
def other_namespace_with_references(t):
    t.source('src', {'root': 'Filesystem', 'init': INIT})
    there = other_namespace(t)
    before = t.traces()
    t.clone('src', 'copy', '--to-namespace', there, '--wait').expect(3, f'namespace {there} does not have', 'Secret', 'user-data', '--copy-refs')
    secret(t, '#cloud-config')
    shown = t.clone('src', 'copy', '--to-namespace', there, '--copy-refs', '--dry-run', '-o', 'yaml').expect(0)
    check('I2Nsb3VkLWNvbmZpZw' not in shown.out + shown.err, 'the plan shows the Secret')
    t.clone('src', 'copy', '--to-namespace', there, '--copy-refs', '--wait').expect(
        0, 'method cdi: the new VM shall be in another namespace', r'copy +Stopped +1 bound', no=['I2Nsb3VkLWNvbmZpZw'])
    check(t.side.content(there, 'copy-root') == t.side.content(t.ns, 'src-root'), 'the data differs')
    check(t.api.get('secrets', there, 'user-data')['data'] == t.get('secrets', 'user-data')['data'], 'the Secret differs')
    t.expect_gone_back_to(before)
    t.clone('src', 'copy', '--to-namespace', there).expect(3, f'{there}/copy exists already')
    t.clone('src', 'copy', '--to-namespace', 'there-is-no-such-namespace').expect(3, 'namespace there-is-no-such-namespace does not exist')


def instancetype(kind, name, spec):
    return {'apiVersion': 'instancetype.kubevirt.io/v1beta1', 'kind': kind, 'metadata': {'name': name}, 'spec': spec}


@scenario(needs=CDI, seconds=30)
def references_of_every_kind(t):
    """What a VM names beside Secrets: ConfigMaps, its instancetype and preference; a ServiceAccount, and the base of an ephemeral disk,
    are for their owners to make."""
    there = other_namespace(t)
    t.create('configmaps', {'apiVersion': 'v1', 'kind': 'ConfigMap', 'metadata': {'name': 'settings'}, 'data': {'colour': 'green'}})
    t.create('serviceaccounts', {'apiVersion': 'v1', 'kind': 'ServiceAccount', 'metadata': {'name': 'robot'}})
    t.create('virtualmachineinstancetypes', instancetype('VirtualMachineInstancetype', 'small', {'cpu': {'guest': 1}, 'memory': {'guest': '64Mi'}}))
    t.create('virtualmachinepreferences', instancetype('VirtualMachinePreference', 'linux', {'devices': {'preferredDiskBus': 'virtio'}}))
    t.make_claim('src-root')
    t.make_claim('base')
    body = manifests.vm('src', {'root': manifests.on_claim('src-root'), 'settings': {'configMap': {'name': 'settings'}},
                                'robot': {'serviceAccount': {'serviceAccountName': 'robot'}}, 'os': {'ephemeral': manifests.on_claim('base')}})
    body['spec'] |= {'instancetype': {'kind': 'virtualmachineinstancetype', 'name': 'small'},
                     'preference': {'kind': 'VirtualMachinePreference', 'name': 'linux'}}
    del body['spec']['template']['spec']['domain']['resources']
    t.create('virtualmachines', body)
    until('the disk is bound', lambda: t.phase('src-root') == 'Bound')
    t.side.fill(t.ns, 'src-root')
    before = t.traces()
    t.clone('src', 'copy', '--to-namespace', there, '--wait').expect(
        3, 'ConfigMap', 'settings', 'ServiceAccount', 'robot', 'VirtualMachineInstancetype', 'small', 'VirtualMachinePreference', 'linux', '--copy-refs')
    check(not t.api.names('virtualmachines', there), 'something was written')
    again = ['src', 'copy', '--to-namespace', there, '--copy-refs', '--wait']
    t.clone(*again).expect(3, 'ServiceAccount .*robot: its rights cannot be copied', 'PersistentVolumeClaim .*base: ', no=['ConfigMap'])
    t.api.create('persistentvolumeclaims', there, manifests.claim('base', t.side.plain_class))
    t.api.create('serviceaccounts', there, {'apiVersion': 'v1', 'kind': 'ServiceAccount', 'metadata': {'name': 'robot'}})
    t.clone(*again).expect(0, r'copy +Stopped +1 bound')
    for resource, name, field in (('configmaps', 'settings', 'data'), ('virtualmachineinstancetypes', 'small', 'spec'),
                                  ('virtualmachinepreferences', 'linux', 'spec')):
        check(t.api.get(resource, there, name)[field] == t.get(resource, name)[field], f'{resource} {name} differs')
    check(t.side.content(there, 'copy-root') == t.side.content(t.ns, 'src-root'), 'the data differs')
    t.expect_gone_back_to(before)


@scenario(needs=CDI, seconds=30)
def owned_disk_in_another_namespace(t):
    """It goes with the new VM there; the same name is no clash."""
    t.source()
    there = other_namespace(t)
    t.clone('src', 'src', '--to-namespace', there, '--own-disks=true', '--wait').expect(0, 'by owner references: root', r'src +Stopped +1 bound, owned')
    check(t.side.content(there, 'src-root') == t.side.content(t.ns, 'src-root'), 'the data differs')
    t.api.delete('virtualmachines', there, 'src')
    until('the disk goes with the VM', lambda: not t.api.get('persistentvolumeclaims', there, 'src-root'))


@scenario(needs=CDI + ['roles'], seconds=30)
def right_to_clone_out(t):
    """Without create datavolumes/source nothing is written, and the printed commands give that right."""
    t.source()
    there = other_namespace(t)
    bind(t, there, 'kubevirt.io:edit')
    bind(t, there, 'cdi.kubevirt.io:edit')
    bind(t, t.ns, 'reader', [{'apiGroups': ['kubevirt.io', ''], 'resources': ['virtualmachines', 'persistentvolumeclaims'],
                              'verbs': ['get', 'list', 'watch']}])
    run = t.clone('src', 'copy', '--to-namespace', there, '--wait', user='viewer').expect(
        4, f'may not clone disks out of namespace {t.ns}', 'create datavolumes.cdi.kubevirt.io/source', 'rolebinding clone-source', '--user=viewer')
    check(not t.api.names('datavolumes', there), 'something was written')
    for line in re.findall(r'^ *(kubectl create role.*)$', run.err, re.M):
        t.shell(line).expect(0)
    t.until_allowed({'apiGroups': ['cdi.kubevirt.io'], 'resources': ['datavolumes/source'], 'verbs': ['create']}, 'viewer', t.ns)
    t.clone('src', 'copy', '--to-namespace', there, '--wait', user='viewer').expect(0, r'copy +\w+ +1 bound|copy +\w+')
    check(t.side.content(there, 'copy-root') == t.side.content(t.ns, 'src-root'), 'the data differs')
