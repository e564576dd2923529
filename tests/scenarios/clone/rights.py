"""Users who may not do everything."""
import json
import re

from lab import check, manifests, scenario, until


def rules_in(run):
    """Of a Role, as an error prints them: `- {apiGroups: [...], ...}`."""
    lines = re.findall(r'^\s*(- \{apiGroups: .*\})$', run.err, re.M)
    check(lines, f'no rules are printed\n{run}')
    rules = []
    for line in lines:
        fields = dict(re.findall(r'(\w+): \[([^\]]*)\]', line))
        rules.append({name: [word.strip().strip('"') for word in value.split(',')] for name, value in fields.items()})
    return rules


@scenario(needs=['roles'])
def no_rights(t):
    t.source()
    before = t.traces()
    run = t.clone('src', 'copy', '--wait', user='viewer').expect(4, 'virtualmachineclones', 'Role', t.ns)
    t.expect_gone_back_to(before)
    t.role('least', rules_in(run))
    t.clone('src', 'copy', '--wait', user='viewer').expect(0, no=['warning:', 'may not', 'could not'])
    t.expect_only(before, 'copy')


def roles_of(t, use):
    """What `doctor` prints as the least for a use of a command: the rules of the Role, and those of the ClusterRole."""
    run = t.start('doctor', '--permissions', use, '-o', 'json').end().expect(0)
    rules = {'Role': [], 'ClusterRole': []}
    printed = json.loads(run.out)
    for role in printed.get('items', [printed]):
        rules[role['kind']] += role['rules']
    return rules


USES = {
    'clone:native': ['src', '--method', 'native', '--wait'],
    'clone:snapshot': ['src', '--method', 'snapshot', '--wait'],
    'clone:from-snapshot': ['snapshot/monday', '--wait'],
    'clone:many-from-snapshot': ['snapshot/monday', '--method', 'snapshot', '--wait'],
}


#: What only VMs with disks of dataVolumeTemplates need.
UNUSED = ['datavolumes']


def sources(t):
    t.source()
    t.create('virtualmachinesnapshots', manifests.vm_snapshot('monday', 'src'))
    until('the snapshot is ready', lambda: t.get('virtualmachinesnapshots', 'monday').get('status', {}).get('readyToUse'))


@scenario(needs=['roles'], seconds=30)
def least_roles(t):
    """With what `doctor` prints, and not a rule more, all works, and nothing is said to be unseen."""
    sources(t)
    by_cdi = {'clone:cdi': ['src', '--method', 'cdi', '--wait'], 'clone:pvc': ['pvc/src-root', '--wait']}
    for use, words in (USES | by_cdi).items():
        name = use.replace(':', '-')
        someone = f'{t.ns}-{name}'
        rules = roles_of(t, use)
        t.role(name, rules['Role'], someone)
        t.cluster_role(rules['ClusterRole'], someone)
        t.start('doctor', '--permissions', use, '--as', someone).end().expect(0, no=['not needed', 'may not'])
        t.clone(words[0], name, *words[1:], '--as', someone).expect(0, no=['warning:', 'may not', 'could not'])
        if use != 'clone:pvc':
            t.expect_same_content('src', name)
        t.start('doctor', '--permissions', 'clone', '--as', someone).end().expect(3, 'not allowed: .*create', 'kind: Role')


@scenario(needs=['roles', 'data volumes'], seconds=60)
def least_roles_for_a_source_that_runs(t):
    """What is done with such a source has permissions of its own, and `doctor` says so."""
    t.source()
    t.power('src', True)
    for use, more, words in (('clone:cdi', 'clone:cdi-running', ['--method', 'cdi']),
                             ('clone:native', 'clone:running-stop', ['--method', 'native', '--running=stop'])):
        name = use.replace(':', '-')
        someone = f'{t.ns}-{name}-runs'
        rules = roles_of(t, use)
        t.role(name + '-runs', rules['Role'], someone)
        t.cluster_role(rules['ClusterRole'], someone)
        t.start('doctor', '--permissions', use, '--as', someone).end().expect(0, f'not in these Roles.*{more} ', no=['may not'])
        t.start('doctor', '--permissions', more, '--as', someone).end().expect(3, 'not allowed: ')
        t.clone('src', name, *words, '--wait', '--as', someone).expect(4, 'not allowed: ')
        t.role(name + '-more', roles_of(t, more)['Role'], someone)
        t.start('doctor', '--permissions', more, '--as', someone).end().expect(0, no=['may not'])
        t.clone('src', name, *words, '--wait', '--as', someone).expect(0, f'{name} +Stopped', no=['warning:', 'may not', 'could not'])


@scenario(needs=['roles'], seconds=60)
def one_rule_less(t):
    """Without any single one of the rules: refused with words, or done and said what was not seen."""
    sources(t)
    for use, words in USES.items():
        rules = roles_of(t, use)['Role']
        for i, left_out in enumerate(rules):
            name = f'{use.replace(":", "-")}-{i}'
            someone = f'{t.ns}-{name}'
            t.role(name, rules[:i] + rules[i + 1:], someone)
            run = t.clone(words[0], name, *words[1:], '--as', someone)
            check(run.code in (0, 3, 4), f'without {left_out}\n{run}')
            if left_out['resources'][0] not in UNUSED:
                check(left_out['resources'][0] in run.out + run.err, f'does not name {left_out["resources"][0]}\n{run}')
            if run.code == 0:
                t.expect_same_content('src', name)
            else:
                check(not t.names('virtualmachines').count(name), f'something was written\n{run}')


@scenario(needs=['roles'])
def as_kubevirt_edit(t):
    """Neither claims nor events can be read."""
    t.source('src', {'root': 'Filesystem', 'data': 'Block'})
    t.bind('kubevirt.io:edit')
    before = t.traces()
    t.clone('src', 'copy', '--wait', user='viewer').expect(0, 'persistentvolumeclaims', 'events')
    t.expect_only(before, 'copy')
    t.expect_same_content('src', 'copy')


@scenario(needs=['roles'])
def as_kubevirt_edit_at_first_start(t):
    """Claims that wait for a consumer, and cannot be read: must not be taken for filled."""
    t.source('src', storage_class=t.side.waiting_class, bound=False)
    t.power('src', True)
    t.power('src', False)
    t.until_bound('src')
    t.bind('kubevirt.io:edit')
    t.clone('src', 'copy', '--wait', user='viewer').expect(0, 'must stay|first start')
    check(t.names('virtualmachineclones'), 'the clone object was removed while its claim is Pending')


@scenario(needs=['roles'], seconds=20)
def many_as_kubevirt_edit(t):
    """Without rights on claims many clones are restores of one snapshot; nothing of that is left but what may still be needed."""
    t.source('src', {'root': 'Filesystem', 'data': 'Block'})
    t.bind('kubevirt.io:edit')
    run = t.clone('src', 'web-#', '--count', '3', '--new-mac', 'default=02:00:00:00:00:0a', user='viewer').expect(
        0, 'by restores: you may not make claims', 'web-1 +Stopped', 'web-3 +Stopped', 'claims cannot be read')
    for i in (1, 2, 3):
        t.expect_same_content('src', f'web-{i}')
    pods = [t.vm(f'web-{i}')['spec']['template']['spec'] for i in (1, 2, 3)]
    macs = [p['domain']['devices']['interfaces'][0]['macAddress'].replace('-', ':').lower() for p in pods]
    check(macs == ['02:00:00:00:00:0a', '02:00:00:00:00:0b', '02:00:00:00:00:0c'], str(macs))
    check(len({p['domain']['firmware'].get('uuid') for p in pods}) == 3, 'one firmware UUID for several VMs')
    check(not t.names('virtualmachinerestores'), f'restores are left\n{run}')
    t.clone('src', 'more-#', '--count', '2', '--skip-disks', 'data', user='viewer').expect(4, '--skip-disks needs rights on claims')
