"""As a plugin of kubectl."""
from lab import check, scenario, until


@scenario(needs=['kubectl'])
def completion_through_kubectl(t):
    def complete(*words):
        return [line.split('\t')[0] for line in t.run(['kubectl', '__complete', 'wukong', *words]).out.splitlines()]
    check('clone' in complete('cl'), complete('cl'))
    check('--wait' in complete('clone', '--wa'), complete('clone', '--wa'))
    t.make_vm('web', {})
    t.make_vm('web-2', {})
    # The words are kubectl's to hand on: -n stands behind the plugin's name. A server that takes more than 1.5 s has no names: a busy
    # machine is asked again.
    until('names of VMs', lambda: complete('clone', '-n', t.ns, 'w')[:2] == ['web', 'web-2'])
    until('names of namespaces', lambda: t.ns in complete('clone', '-n', t.ns[:-1]))
    until('names behind a kind', lambda: 'vm/web' in complete('clone', f'--namespace={t.ns}', 'vm/'))
