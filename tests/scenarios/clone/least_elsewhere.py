"""Users who may do just what `doctor --permissions` prints: many VMs without rights on claims, and clones to another namespace."""
import json

from clone.namespaces import CDI, INIT, bind, other_namespace, secret
from lab import check, scenario


def give(t, use, someone, there=''):
    """The printed Roles, each in its namespace, and the ClusterRole."""
    more = ['--to-namespace', there] if there else []
    printed = json.loads(t.start('doctor', '--permissions', use, *more, '-o', 'json').end().expect(0).out)
    for role in printed.get('items', [printed]):
        if role['kind'] == 'ClusterRole':
            t.cluster_role(role['rules'], someone)
        else:
            bind(t, role['metadata']['namespace'], use.replace(':', '-') + '-' + role['metadata']['name'], role['rules'], someone)
    t.start('doctor', '--permissions', use, *more, '--as', someone).end().expect(0, no=['may not'])


@scenario(needs=['roles'], seconds=20)
def least_role_for_restores(t):
    t.source()
    someone = f'{t.ns}-restores'
    give(t, 'clone:restores', someone)
    before = t.traces()
    t.clone('src', 'web-#', '--count', '2', '--wait', '--as', someone).expect(
        0, 'by restores: you may not make claims', 'web-1 +Stopped', 'web-2 +Stopped', no=['warning:', 'unseen', 'could not'])
    t.expect_same_content('src', 'web-2')
    t.expect_only(before, 'web-1', 'web-2')


@scenario(needs=CDI + ['roles'], seconds=40)
def least_roles_for_another_namespace(t):
    t.source()
    there, someone = other_namespace(t), f'{t.ns}-there'
    words = ['src', 'copy', '--to-namespace', there, '--wait', '--as', someone]
    t.clone(*words).expect(4, 'virtualmachines.kubevirt.io')
    run = t.start('doctor', '--permissions', 'clone:to-namespace', '--to-namespace', there, '--as', someone).end().expect(
        3, 'create datavolumes.cdi.kubevirt.io/source', f'in namespace {there}', f'create rolebinding .* -n {there}')
    check(run.out.count('kind: Role\n') == 2, run)
    give(t, 'clone:to-namespace', someone, there)
    t.clone(*words).expect(0, 'copy +Stopped +1 bound', no=['warning:', 'may not', 'could not', 'cannot'])
    check(t.side.content(there, 'copy-root') == t.side.content(t.ns, 'src-root'), 'the data differs')


@scenario(needs=CDI + ['roles'], seconds=40)
def least_roles_for_references(t):
    t.source('src', {'root': 'Filesystem', 'init': INIT})
    secret(t, '#cloud-config')
    there, someone = other_namespace(t), f'{t.ns}-refs'
    words = ['src', 'copy', '--to-namespace', there, '--wait', '--as', someone]
    give(t, 'clone:to-namespace', someone, there)
    t.clone(*words, '--dry-run').expect(0, 'Secret .* cannot be read, so it was not checked')
    give(t, 'clone:copy-refs', someone, there)
    t.clone(*words, '--copy-refs').expect(0, 'copy +Stopped +1 bound', no=['warning:', 'may not', 'could not', 'cannot'])
    check(t.api.get('secrets', there, 'user-data')['data'] == t.get('secrets', 'user-data')['data'], 'the Secret differs')


@scenario
def namespaces_that_do_not_fit(t):
    t.start('doctor', '--permissions', 'clone:to-namespace').end().expect(2, 'about two namespaces', '--to-namespace NS')
    t.start('doctor', '--permissions', 'clone:native', '--to-namespace', 'b').end().expect(2, 'about one namespace')
    t.start('doctor', '--permissions', 'clone', '--to-namespace', t.ns).end().expect(2, 'namespace of the source itself')
    t.start('doctor', '--permissions', 'clone', '--to-namespace', 'B_').end().expect(2, 'cannot be a namespace')
    t.start('doctor', '--to-namespace', 'b').end().expect(2, '--permissions')
