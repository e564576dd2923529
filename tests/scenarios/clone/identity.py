"""What the new VM has of its own, and what it takes over."""
from lab import check, manifests, scenario, until


def labelled_source(t):
    t.make_claim('src-root')
    body = manifests.vm('src', {'root': manifests.on_claim('src-root')}, labels={'app': 'web', 'secret/key': 'x'},
                        annotations={'note/a': '1', 'private/b': '2'}, template_labels={'tier': 'front', 'old': 'yes'})
    body['spec']['template']['metadata']['annotations'] = {'keep/me': '1', 'drop/me': '2'}
    t.create('virtualmachines', body)
    t.until_bound('src')
    t.side.fill(t.ns, 'src-root')


FILTERS = ['--label-filter', '*', '--label-filter', '!secret', '--annotation-filter', 'note/', '--template-label-filter', 'tier',
           '--template-annotation-filter', '*', '--template-annotation-filter', '!drop/']


def interface(vm):
    return vm['spec']['template']['spec']['domain']['devices']['interfaces'][0]


def mac(vm):
    """KubeVirt's own clone writes dashes."""
    return interface(vm).get('macAddress', '').lower().replace('-', ':')


def without_marks(keys):
    return {k: v for k, v in keys.items() if 'novasphere' not in k and 'managed-by' not in k and 'kubevirt.io' not in k}


SHAPE = [*FILTERS, '--set-label', 'stage=test', '--new-serial', 'SN:1,2', '--hostname', 'guest', '--cpu', '3', '--memory', '128Mi',
         '--new-mac', 'default=02-AA-BB-CC-DD-01']


def shaped(t, *words):
    """Whatever the method, the same VM."""
    labelled_source(t)
    before = t.traces()
    run = t.clone('src', 'copy', *SHAPE, '--field-manager', 'night-shift', '--no-headers', '--wait', *words).expect(0, no=['NAME'])
    vm = t.vm('copy')
    check(without_marks(vm['metadata']['labels']) == {'app': 'web', 'stage': 'test'}, vm['metadata'])
    check(without_marks(vm['metadata']['annotations']) == {'note/a': '1'}, vm['metadata'])
    template = vm['spec']['template']
    check(without_marks(template['metadata']['labels']) == {'tier': 'front'}, template['metadata'])
    check(without_marks(template['metadata']['annotations']) == {'keep/me': '1'}, template['metadata'])
    domain = template['spec']['domain']
    check(domain['firmware']['serial'] == 'SN:1,2', domain)
    check(domain['firmware'].get('uuid') != t.vm('src')['spec']['template']['spec']['domain']['firmware']['uuid'], 'the same firmware UUID')
    check(template['spec']['hostname'] == 'guest' and domain['cpu']['cores'] == 3 and domain['memory']['guest'] == '128Mi', template)
    check(mac(vm) == '02:aa:bb:cc:dd:01', domain)
    writers = [field['manager'] for field in vm['metadata'].get('managedFields', [])]  # the sandbox does not tell them
    check(not writers or 'night-shift' in writers, f'written by {writers}')
    t.expect_only(before, 'copy')
    t.expect_same_content('src', 'copy')
    return run


@scenario
def all_of_it(t):
    shaped(t).expect(0, "method native: KubeVirt's own clone can do all that is asked")


@scenario
def all_of_it_by_snapshot(t):
    shaped(t, '--method', 'snapshot')


@scenario(needs=['roles'])
def all_of_it_by_restores(t):
    """Who may not make claims."""
    labelled_source(t)
    t.bind('kubevirt.io:edit')
    t.clone('src', 'copy-#', '--count', '2', *(word.replace('guest', 'guest-#').replace('SN:', 'SN:#:') for word in SHAPE), '--start', '--wait',
            user='viewer').expect(0, 'by restores', 'copy-2 +Running')
    for number in (1, 2):
        vm = t.vm(f'copy-{number}')
        domain, template = vm['spec']['template']['spec']['domain'], vm['spec']['template']
        check(without_marks(vm['metadata']['labels']) == {'app': 'web', 'stage': 'test'}, vm['metadata'])
        check(without_marks(template['metadata']['annotations']) == {'keep/me': '1'}, template['metadata'])
        check(domain['firmware']['serial'] == f'SN:{number}:1,2' and domain['cpu']['cores'] == 3, domain)
        check(template['spec']['hostname'] == f'guest-{number}' and domain['memory']['guest'] == '128Mi', template)


@scenario(needs=['roles'])
def started_by_who_may_not_read_claims(t):
    t.source('src')
    t.bind('kubevirt.io:edit')
    before = t.traces()
    t.clone('src', 'copy', '--cpu', '2', '--start', '--wait', user='viewer').expect(0, 'method native', 'copy +Running')
    check(t.vm('copy')['spec']['template']['spec']['domain']['cpu']['cores'] == 2, t.vm('copy'))
    t.expect_only(before, 'copy')


@scenario(needs=['validation'])
def refused_by_a_webhook(t):
    """The VM stands when KubeVirt refuses what it shall become: it is taken back."""
    body = manifests.vm('src', {})
    body['spec']['template']['spec']['domain'] |= {'resources': {}, 'memory': {'guest': '64Mi', 'hugepages': {'pageSize': '2Mi'}}}
    t.create('virtualmachines', body)
    before = t.traces()
    t.clone('src', 'copy', '--memory', '65Mi', '--wait').expect(1, 'not a multiple of the page size', 'undone')
    t.expect_gone_back_to(before)


@scenario
def started_at_first_start(t):
    """What waits for a first start has it, and then nothing is left that waited, too."""
    t.source('src', storage_class=t.side.waiting_class, bound=False)
    t.power('src', True)
    t.power('src', False)
    t.until_bound('src')
    t.side.fill(t.ns, 'src-root')
    before = t.traces()
    t.clone('src', 'copy', '--start', '--wait').expect(0, 'copy +Running +1 bound', no=['must stay', 'first start'])
    t.expect_only(before | {f'virtualmachineinstances/copy'}, 'copy')
    t.expect_same_content('src', 'copy')


def older_source(t):
    """It runs, and says so in the field that was there before run strategies."""
    t.source('src')
    t.api.patch('virtualmachines', t.ns, 'src', {'spec': {'runStrategy': None, 'running': True}})
    until('src runs', lambda: t.vm('src').get('status', {}).get('ready'))


@scenario(seconds=30)
def started_with_the_older_field(t):
    """KubeVirt's own copies keep `running`, which excludes a run strategy."""
    older_source(t)
    for method in ('native', 'snapshot'):
        t.clone('src', f'by-{method}', '--method', method, '--start', '--wait').expect(0, f'by-{method} +Running')
        t.expect_same_content('src', f'by-{method}')
    t.clone('src', 'stopped', '--running=stop', '--wait').expect(0, 'stopped +Stopped')  # the API warns of the older field
    until('src runs again', lambda: t.vm('src')['spec'].get('running') and t.vm('src')['status'].get('ready'))


@scenario(needs=['data volumes'], seconds=20)
def started_with_the_older_field_by_cdi(t):
    older_source(t)
    t.clone('src', 'copy', '--method', 'cdi', '--start', '--wait').expect(0, 'copy +Running')
    t.expect_same_content('src', 'copy')


@scenario(needs=['roles'], seconds=20)
def started_with_the_older_field_by_restores(t):
    older_source(t)
    t.bind('kubevirt.io:edit')
    t.clone('src', 'copy-#', '--count', '2', '--start', '--wait', user='viewer').expect(0, 'by restores', 'copy-1 +Running', 'copy-2 +Running')


@scenario
def addresses(t):
    """Kept on demand only; two that run must not share one."""
    labelled_source(t)
    t.clone('src', 'other', '--method', 'snapshot', '--wait').expect(0)
    check(mac(t.vm('other')) != '02:00:00:00:00:01', 'the same MAC address')
    t.clone('src', 'same', '--keep-mac', '--wait').expect(0)
    check(mac(t.vm('same')) == '02:00:00:00:00:01', 'another MAC address')
    t.power('src', True)
    t.clone('src', 'third', '--keep-mac', '--start', '--wait').expect(3, '02:00:00:00:00:01', 'src, which runs')
    t.clone('src', 'third', '--new-mac', 'default=02:00:00:00:00:01', '--wait').expect(3, '02:00:00:00:00:01')
    t.clone('src', 'third', '--new-mac', 'dflt=02:00:00:00:00:02').expect(3, 'no interface called', 'its interfaces: default')
    t.clone('src', 'third', '--new-mac', 'default=02:00:00').expect(2, '--new-mac')
    check(not t.vm('third'), 'something was written')


@scenario
def refused_shapes(t):
    t.source('src')
    for words, says in ((['--cpu', '0'], '--cpu'), (['--memory', 'lots'], '--memory'), (['--set-label', 'a b=c'], '--set-label'),
                        (['--label-filter', '('], '--label-filter'), (['--count', '2', '--hostname', 'same'], '#')):
        target = 'copy-#' if '--count' in words else 'copy'
        t.clone('src', target, *words).expect(2, says)
    check(t.names('virtualmachines') == ['src'], 'something was written')
