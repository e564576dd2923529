"""What a clone is: its disks, its identity, its names."""
import re

from lab import CLOUD_INIT, check, scenario


def spec_of(t, name):
    return t.vm(name)['spec']['template']['spec']


@scenario(needs=['kubectl'])
def two_disks_and_cloud_init(t):
    t.source('src', {'root': 'Filesystem', 'data': 'Block', 'init': CLOUD_INIT},
             labels={'tier': 'web', 'vm.novasphere.dev/operation': 'old'}, annotations={'note': 'kept', 'vm.novasphere.dev/x': 'old'},
             template_labels={'app': 'web'})
    first = {disk: t.side.fill(t.ns, c) for disk, c in t.claims_of('src').items()}
    before = t.traces()
    t.clone('src', 'copy', '--wait', kubectl=True).expect(0, r'copy +Stopped +2 bound, stand-alone +src', no=['warning:', 'error:'])
    t.expect_only(before, 'copy')
    t.expect_same_content('src', 'copy')

    t.side.fill(t.ns, t.claims_of('src')['root'])
    check(t.content('copy') == first, 'the copy follows its source')
    source, copy = spec_of(t, 'src'), spec_of(t, 'copy')
    check(source['domain']['firmware']['uuid'] != copy['domain']['firmware']['uuid'], 'same firmware UUID')
    mac = copy['domain']['devices']['interfaces'][0].get('macAddress')
    check(mac != '02:00:00:00:00:01', 'same MAC address')
    made = t.vm('copy')['metadata']
    check(made['labels'].get('tier') == 'web' and made['annotations'].get('note') == 'kept', f'labels or annotations are lost: {made}')
    marks = {k: v for k, v in (made['labels'] | made['annotations']).items() if k.startswith('vm.novasphere.dev/')}
    check('old' not in marks.values(), f'marks of the source: {made}')
    t.delete('virtualmachines', 'src')
    t.power('copy', True)


@scenario
def name_is_made_up_and_printed(t):
    t.source()
    run = t.clone('src', '--wait', '-o', 'name').expect(0)
    name = run.out.strip().rpartition('/')[2]
    check(re.fullmatch(r'clone-src-[a-z0-9]{5}', name) and t.vm(name), f'printed {run.out!r}')


@scenario
def object_stays_with_keep(t):
    t.source()
    t.clone('src', 'copy', '--wait', '--keep').expect(0)
    clone, = t.names('virtualmachineclones')
    meta = t.get('virtualmachineclones', clone)['metadata']
    check(meta['labels']['app.kubernetes.io/managed-by'] == 'kubectl-wukong' and meta['labels']['vm.novasphere.dev/operation'], meta)


@scenario
def right_after_the_source_was_made(t):
    """Its volumes are not bound, and KubeVirt has not reported on its disks: refused with words, or cloned."""
    t.source('src', bound=False)
    run = t.clone('src', 'copy', '--wait')
    check(run.code in (0, 3), str(run))
    if run.code == 3:
        run.expect(3, 'hint:', no=['VolumeSnapshotClass of the same driver'])
