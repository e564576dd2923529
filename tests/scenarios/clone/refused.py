"""Refused before any write, with words."""
from lab import CLOUD_INIT, check, on_claim, scenario, until


@scenario
def target_exists(t):
    t.source()
    t.source('there', {'init': CLOUD_INIT})
    before = t.traces()
    t.clone('src', 'there', '--wait').expect(3, f'error: VirtualMachine {t.ns}/there exists already', 'hint:')
    t.power('there', True)
    t.clone('src', 'there', '--wait').expect(3, 'there exists already')
    t.expect_gone_back_to(before)


@scenario
def source_missing(t):
    t.source('web-server', {'init': CLOUD_INIT})
    t.clone('web-sever', 'copy', '--wait').expect(3, f'VirtualMachine {t.ns}/web-sever does not exist', 'did you mean web-server')
    t.clone('qqq', 'copy').expect(3, 'does not exist', 'kubectl get virtualmachines')


@scenario
def disk_missing(t):
    t.make_vm('src', {'root': on_claim('nope')})
    t.clone('src', 'copy', '--wait').expect(3, 'nope')
    check(not t.names('virtualmachineclones'), 'something was written')


@scenario
def storage_without_snapshots(t):
    t.source('src', storage_class=t.side.class_without_snapshots, bound=False)
    until('bound', lambda: t.bound('src'))
    t.until_reported('src')
    t.clone('src', 'copy', '--wait', '--method', 'native').expect(3, 'cannot be snapshotted: root', 'hint:')
    check(not t.names('virtualmachineclones'), 'something was written')
