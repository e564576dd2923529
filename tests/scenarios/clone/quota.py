"""Quotas and limit ranges that a clone exceeds."""
from lab import scenario, until


def refused(t, *words, **hard):
    """Beforehand, with the arithmetic, and nothing is written."""
    t.source('src', {'root': 'Filesystem', 'data': 'Block'})
    t.quota(**hard)
    before = t.traces()
    t.clone('src', 'copy', '--wait').expect(3, 'quota q of namespace .* leaves no room', *words)
    t.clone('src', 'copy', '--method', 'snapshot').expect(3, 'quota q of namespace .* leaves no room', *words)
    t.expect_gone_back_to(before)


@scenario
def no_room_for_claims(t):
    refused(t, 'persistentvolumeclaims is limited to 3, 2 used, and 2 more would come', persistentvolumeclaims='3')


@scenario
def no_room_for_bytes(t):
    refused(t, 'requests.storage is limited to 24Mi, 16Mi used, and 16Mi more', requests_storage='24Mi')


@scenario
def no_room_for_vms(t):
    refused(t, 'is limited to 1, 1 used, and 1 more', count__virtualmachines_kubevirt_io='1')


@scenario
def no_room_for_snapshots(t):
    """KubeVirt would say nothing of these anywhere, and wait for five minutes."""
    refused(t, 'volumesnapshots', count__volumesnapshots_snapshot_storage_k8s_io='0')
    limit = 'count/virtualmachinesnapshots.snapshot.kubevirt.io'
    t.api.patch('resourcequotas', t.ns, 'q', {'spec': {'hard': {'count/volumesnapshots.snapshot.storage.k8s.io': None, limit: '0'}}})
    until('the quota is counted', lambda: limit in t.get('resourcequotas', 'q')['status']['used'])
    t.clone('src', 'copy').expect(3, 'virtualmachinesnapshots.*limited to 0')


@scenario(needs=['limit ranges'])
def disk_that_limits_do_not_allow(t):
    t.source()
    t.create('limitranges', {'apiVersion': 'v1', 'kind': 'LimitRange', 'metadata': {'name': 'small'},
                             'spec': {'limits': [{'type': 'PersistentVolumeClaim', 'max': {'storage': '4Mi'}}]}})
    t.clone('src', 'copy').expect(3, 'LimitRange small .* does not allow .*8Mi.* at most 4Mi')


def filled_meanwhile(t, *words, **hard):
    """Room that somebody else takes while the snapshots are made: what the API says is told, and all is undone."""
    name = t.storage_class('slowsnap', snapshot={'delay': 5, 'held': True})
    t.source('src', {'root': 'Filesystem', 'data': 'Block'}, storage_class=name)
    before = t.traces()
    child = t.start('clone', 'src', 'copy', '--wait', '--stall-timeout', '6s')
    child.until_says('Snapshotting')
    t.quota(**hard)
    t.hurry('slowsnap', snapshots=True)
    child.end().expect(1, *words, within=90)
    t.expect_gone_back_to(before)


@scenario(seconds=20)
def claims_filled_meanwhile(t):
    filled_meanwhile(t, 'exceeded quota: q', persistentvolumeclaims='3')


@scenario(seconds=20)
def vms_filled_meanwhile(t):
    filled_meanwhile(t, 'exceeded quota: q', count__virtualmachines_kubevirt_io='1')


@scenario(seconds=20)
def quota_raised_in_time(t):
    name = t.storage_class('slowsnap', snapshot={'delay': 5, 'held': True})
    t.source('src', {'root': 'Filesystem', 'data': 'Block'}, storage_class=name)
    before = t.traces()
    child = t.start('clone', 'src', 'copy', '--wait')
    child.until_says('Snapshotting')
    t.quota(persistentvolumeclaims='3')
    t.hurry('slowsnap', snapshots=True)
    child.until_says('exceeded quota')
    t.api.patch('resourcequotas', t.ns, 'q', {'spec': {'hard': {'persistentvolumeclaims': '9'}}})
    child.end().expect(0)
    t.expect_only(before, 'copy')
