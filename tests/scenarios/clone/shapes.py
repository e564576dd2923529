"""Names, and VMs of unusual shape."""
import json

from lab import CLOUD_INIT, CONTAINER_DISK, check, manifests, on_claim, scenario, until


@scenario(needs=['kubectl'], seconds=30)
def names_that_fit(t):
    t.source('on')
    before = t.traces()
    targets = ['n', '1e3', '12345', 'with.dots.in.it', 'x' * 63, '0x1f', 'null']
    for target in targets:
        run = t.clone('on', target, '--wait', '-o', 'yaml').expect(0)
        read = t.run(['kubectl', 'create', '--dry-run=client', '-o', 'json', '-f', '-'], run.out).expect(0)
        check(json.loads(read.out)['metadata']['name'] == target, f'the name has changed\n{read}')
    t.expect_only(before, *targets)


@scenario(seconds=20)
def names_that_do_not(t):
    for target in ('x' * 64, 'Upper', 'a_b', '-a', 'a-', 'ä', 'src', 'a/b', 'a..b'):
        t.clone('src', '--wait', '--', target).expect(2, 'error:')
    t.clone('src', 'b', 'c').expect(2, 'unexpected word')
    t.clone('node/x', 'b').expect(2, 'vm/NAME')
    t.clone('pvc/X', 'b').expect(2, 'cannot be the name of a claim')
    t.clone('src', 'b', '--wiat').expect(2, 'did you mean --wait')
    t.clone('src', 'b', '--timeout', 'soon').expect(2, '--timeout')


@scenario
def long_names(t):
    disk, name = 'd' * 60, 's' * 63
    t.make_claim('c' * 200)
    t.make_vm(name, {disk: on_claim('c' * 200)})
    t.until_bound(name)
    t.side.fill(t.ns, 'c' * 200)
    before = t.traces()
    t.clone(name, 't' * 63, '--wait').expect(0)
    t.expect_only(before, 't' * 63)
    t.expect_same_content(name, 't' * 63)


@scenario
def source_name_too_long(t):
    """KubeVirt writes the source's name into labels; what becomes of a VM with a longer one?"""
    t.make_vm('s' * 70, {'init': CLOUD_INIT})
    t.clone('s' * 70, 'copy', '--wait').expect(2, '63')


@scenario
def without_disks(t):
    t.source('none', {})
    t.source('live', {'root': CONTAINER_DISK, 'init': CLOUD_INIT})
    before = t.traces()
    t.clone('none', 'none2', '--wait').expect(0, r'none2 +\w+ +none')
    t.clone('live', 'live2', '--wait').expect(0, r'live2 +\w+ +none')
    t.expect_only(before, 'none2', 'live2')


@scenario
def running_source(t):
    t.source('src', {'root': 'Filesystem'})
    t.power('src', True)
    before = t.traces()
    t.clone('src', 'copy', '--wait').expect(0, 'src is running', 'guest agent|quiesced')
    t.expect_only(before, 'copy')
    t.expect_same_content('src', 'copy')


@scenario(needs=['data volumes'], seconds=15)
def template_data_volume(t):
    """A disk of dataVolumeTemplates belongs to the new VM and goes with it."""
    body = manifests.vm('src', {'root': {'dataVolume': {'name': 'src-root'}}})
    body['spec']['dataVolumeTemplates'] = [{'metadata': {'name': 'src-root'}, 'spec': {
        'source': {'blank': {}}, 'storage': {'storageClassName': t.side.plain_class, 'resources': {'requests': {'storage': '8Mi'}}}}}]
    t.create('virtualmachines', body)
    until('disk', lambda: (t.get('datavolumes', 'src-root') or {}).get('status', {}).get('phase') == 'Succeeded', 120)
    t.until_bound('src')
    t.side.fill(t.ns, 'src-root')
    t.clone('src', 'copy', '--wait').expect(0, r'1 bound')
    t.expect_same_content('src', 'copy')
    claim = t.claims_of('copy')['root']
    t.delete('virtualmachines', 'copy')
    until('the disk goes with the VM', lambda: not t.get('persistentvolumeclaims', claim))


@scenario
def odd_places(t):
    """A namespace that is not there, no kubeconfig, a broken one, a context that is not in it."""
    t.clone('src', 'copy', '-n', 'there-is-no-such-namespace').expect(3, 'there-is-no-such-namespace')
    t.clone('src', 'copy', '--kubeconfig', '/nonexistent').expect(2, '/nonexistent')
    t.clone('src', 'copy', '--context', 'nope').expect(2, 'nope')
    t.clone('src', 'copy', '--server', 'https://there.is.no.such.host.invalid:6443', '--request-timeout', '2s').expect(4, 'invalid', within=40)
    t.clone('src', 'copy', '--token', 'wrong', '--kubeconfig', '/dev/null', '--server', t.api.server,
            '--certificate-authority', t.file(t.api.authority)).expect(4, within=25)
