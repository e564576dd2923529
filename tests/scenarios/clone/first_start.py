"""Volumes that wait for their first consumer."""
import re

from lab import check, scenario, until


@scenario(needs=['kubectl'], seconds=20)
def data_at_first_start(t):
    t.source('src', {'root': 'Filesystem', 'data': 'Block'}, storage_class=t.side.waiting_class, bound=False)
    t.clone('src', 'early', '--wait').expect(3, 'is Pending', 'virtctl start src')
    t.power('src', True)
    t.power('src', False)
    t.until_bound('src')
    for c in t.claims_of('src').values():
        t.side.fill(t.ns, c)
    run = t.clone('src', 'copy', '--wait').expect(0, '2 at first start', 'first start')
    clone, = t.names('virtualmachineclones')
    t.power('copy', True)
    until('bound', lambda: t.bound('copy'))
    t.expect_same_content('src', 'copy')
    line = re.search(rf'(kubectl delete virtualmachineclone {clone} -n {t.ns})', run.err)
    check(line, f'does not say how to remove {clone}\n{run}')
    t.shell(line.group(1)).expect(0)
    until('temporary objects are gone', lambda: not t.temporary() and not t.names('volumesnapshots'))
    t.expect_same_content('src', 'copy')
