"""Storage that fails, for good or until it is mended."""
from lab import check, printed, scenario


@scenario(seconds=20)
def snapshots_fail(t):
    name = t.storage_class('nosnap', snapshot={'fail': 'pool is full'})
    t.source('src', {'root': 'Filesystem'}, storage_class=name)
    before = t.traces()
    child = t.start('clone', 'src', 'copy', '--wait', '--stall-timeout', '8s')
    child.until_says('pool is full')
    check(not child.ended(), 'ended as soon as it saw the error')
    child.end().expect(1, 'pool is full', 'has not moved for 8s', within=60)
    t.expect_gone_back_to(before)


@scenario
def snapshots_fail_and_are_mended(t):
    name = t.storage_class('nosnap', snapshot={'fail': 'pool is full'})
    t.source('src', {'root': 'Filesystem'}, storage_class=name)
    before = t.traces()
    child = t.start('clone', 'src', 'copy', '--wait', '--stall-timeout', '40s')
    child.until_says('pool is full')
    t.api.patch('volumesnapshotclasses', '', name, {'parameters': None})
    child.end().expect(0)
    t.expect_only(before, 'copy')
    t.expect_same_content('src', 'copy')


def failing_restore(t, *words):
    name = t.storage_class('fails')
    t.source('src', {'root': 'Filesystem', 'data': 'Block'}, storage_class=name)
    t.replace_class(name, {'fail': 'no space left on device'})
    before = t.traces()
    return name, before, t.start('clone', 'src', 'copy', '--wait', *words)


@scenario(seconds=20)
def volumes_fail(t):
    _, before, child = failing_restore(t, '--stall-timeout', '8s')
    child.until_says('no space left on device')
    check(not child.ended(), 'ended as soon as it saw the error')
    child.end().expect(1, 'no space left on device', within=60)
    t.expect_gone_back_to(before)


@scenario(needs=['kubectl'], seconds=15)
def volumes_fail_and_are_kept(t):
    _, before, child = failing_restore(t, '--stall-timeout', '5s', '--keep-failed')
    run = child.end().expect(1, 'no space left on device', 'left in place')
    check(t.names('virtualmachineclones'), 'not kept')
    t.shell(printed(run, 'to give it up')).expect(0)
    t.expect_gone_back_to(before, 30)


@scenario
def volumes_fail_and_are_mended(t):
    name, before, child = failing_restore(t, '--stall-timeout', '60s')
    child.until_says('no space left on device')
    t.side.replace_class(name, {})
    child.end().expect(0, r'copy +Stopped +2 bound')
    t.expect_only(before, 'copy')


@scenario(seconds=20)
def volumes_fail_until_the_timeout(t):
    _, _, child = failing_restore(t, '--timeout', '15s')
    run = child.end().expect(5, 'timed out after 15s', 'no space left on device', 'left in place')
    check(t.names('virtualmachineclones'), 'not left in place')
    check(printed(run, 'to go on with it'), 'no command')
