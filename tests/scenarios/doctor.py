"""What `doctor` tells of a cluster."""
import json

from lab import check, scenario


def states(run):
    return {check['about']: check['state'] for check in json.loads(run.out)['checks']}


@scenario
def healthy(t):
    run = t.start('doctor').end().expect(0, 'Kubernetes +ok +v1', 'KubeVirt +ok +v1', 'download exports', 'clone VMs +ok', no=['Role to ask for'])
    for command in ('clone', 'wait', 'status', 'cancel'):
        run.expect(0, rf'your rights for {command} +ok\n')
    t.start('doctor', '-o', 'wide').end().expect(0, 'your rights for clone:native +ok')
    drawn = t.start('doctor', terminal=(80, 50)).end().expect(0, 'your rights for clone')
    check(all(len(line) < 80 for line in drawn.err.splitlines() if line.startswith('your rights')), drawn)
    run.expect(0, rf'class {t.side.plain_class} .*snapshots by', rf'class {t.side.class_without_snapshots} +no .*no VolumeSnapshotClass')


@scenario
def one_class(t):
    t.start('doctor', '--storage-class', t.side.waiting_class).end().expect(0, 'bound at first use')
    for output in ([], ['-o', 'json']):
        t.start('doctor', '--storage-class', t.side.class_without_snapshots, *output).end().expect(
            3, 'no VolumeSnapshotClass', f'disks of StorageClass {t.side.class_without_snapshots} cannot be snapshotted')
    t.start('doctor', '--storage-class', 'nope').end().expect(3, 'StorageClass nope does not exist')


@scenario(needs=['roles'])
def who_may_do_nothing(t):
    """Classes cannot be read: their StorageProfiles, which everybody may read, tell of them."""
    run = t.start('doctor', '-o', 'json', user='viewer').end().expect(0)
    told = states(run)
    wanted = {'KubeVirt': 'ok', 'CDI': 'unknown', 'storage classes': 'unknown', 'class dir': 'ok', 'your rights for clone:native': 'no'}
    check(told | wanted == told, run)
    run = t.start('doctor', user='viewer').end().expect(0, 'your rights for clone +no +you may not create virtualmachineclones …',
                                                        'your rights for status +no', 'the Role to ask for')
    check(run.out.count('your rights for') == 4, run)


@scenario(needs=['roles'])
def who_may_do_some_of_it(t):
    t.bind('kubevirt.io:edit')
    t.start('doctor', user='viewer').end().expect(0, 'your rights for clone +ok +but not snapshot, many-from-snapshot, cdi, pvc, expose; unseen: persistentvolumeclaims, events')
