"""Runs that are killed (by kill -9, by the kernel for want of memory, with the machine they run on), and gone on with."""
import random
import re
import signal
import time

from lab import check, scenario, until

#: Per method: fifty altogether on the real control plane.
POINTS = {'cluster': 10, 'sandbox': 2}


def words_to_go_on(child):
    """The operation is told before anything is written."""
    found = re.search(r'operation (\w+): clone', child.text())
    return ['--resume', found.group(1)] if found else []


def stands(t, targets):
    """What a clone is to leave."""
    claims = [claim for target in targets for claim in t.claims_of(target).values()]
    volumes = t.names('datavolumes')
    return ({f'virtualmachines/{target}' for target in targets} | {f'persistentvolumeclaims/{claim}' for claim in claims} |
            {f'datavolumes/{claim}' for claim in claims if claim in volumes})


def take_away(t, targets, before):
    claims = [claim for target in targets for claim in t.claims_of(target).values()]
    for resource, names in (('virtualmachines', targets), ('datavolumes', set(claims) & set(t.names('datavolumes'))),
                            ('persistentvolumeclaims', claims)):
        for name in names:
            t.delete(resource, name)
    t.expect_gone_back_to(before, 60)


def kill_and_go_on(t, words, targets, seed, user='admin', holds=lambda: True):
    """`words` of `clone`, which make `targets`, killed at random points of a run, each time from the beginning. It converges: what
    was asked for stands, nothing twice, nothing else. `holds`: what else must be so after each."""
    before, points = t.traces(), random.Random(seed)
    whole = t.clone(*words, user=user, seconds=180).expect(0).seconds
    for point in range(POINTS[t.side.name]):
        take_away(t, targets, before)
        child = t.start('clone', *words, user=user)
        after = points.uniform(0, whole)
        time.sleep(after)
        child.kill(signal.SIGKILL)
        cut = child.end()
        again = t.clone(*words, *words_to_go_on(child), user=user, seconds=180)
        story = f'point {point}, killed after {after:.2f} of {whole:.2f} s\n{cut}{again}'
        check(again.code == 0, f'does not converge: {story}')
        check(all(re.search(rf'^{target} ', again.out, re.M) for target in targets), f'does not tell of all: {story}')
        t.expect_gone_back_to(before | stands(t, targets), 40)
        for target in targets:
            t.expect_same_content('src', target)
        until(f'all is as it was: {story}', holds, 40)


@scenario(seconds=60)
def killed_native(t):
    t.source('src', {'root': 'Filesystem', 'data': 'Block'})
    kill_and_go_on(t, ['src', 'copy', '--method', 'native', '--hostname', 'guest', '--wait'], ['copy'], 1,
                   holds=lambda: t.vm('copy')['spec']['template']['spec'].get('hostname') == 'guest')


@scenario(seconds=60)
def killed_from_one_snapshot(t):
    """The source is stopped meanwhile, and must run again."""
    t.source('src', {'root': 'Filesystem', 'data': 'Block'})
    t.power('src', True)
    kill_and_go_on(t, ['src', 'web-#', '--count', '3', '--running', 'stop', '--wait'], ['web-1', 'web-2', 'web-3'], 2,
                   holds=lambda: t.get('virtualmachineinstances', 'src') and not t.vm('src')['metadata'].get('annotations', {}).get(
                       'vm.novasphere.dev/stopped-by'))


@scenario(needs=['roles'], seconds=60)
def killed_restores(t):
    """What a user gets who may look at claims, but not make any."""
    t.source('src', {'root': 'Filesystem', 'data': 'Block'})
    t.bind('kubevirt.io:edit')
    t.role('claims', [{'apiGroups': [''], 'resources': ['persistentvolumeclaims'], 'verbs': ['get', 'list', 'watch']}])
    kill_and_go_on(t, ['src', 'web-#', '--count', '2', '--wait'], ['web-1', 'web-2'], 3, user='viewer')


@scenario(needs=['data volumes'], seconds=60)
def killed_cdi(t):
    t.source('src', {'root': 'Filesystem', 'data': 'Block'})
    kill_and_go_on(t, ['src', 'copy', '--method', 'cdi', '--wait'], ['copy'], 4)


@scenario(needs=['data volumes'], seconds=60)
def killed_cdi_of_a_running_source(t):
    t.source('src')
    t.power('src', True)
    kill_and_go_on(t, ['src', 'copy', '--method', 'cdi', '--start', '--wait'], ['copy'], 5)


@scenario(needs=['data volumes'], seconds=40)
def cut_off_between_two_disks(t):
    """The source has written since the first was filled: the new VM gets none of that time."""
    t.source('src', {'root': 'Filesystem', 'data': 'Block'})
    before, words = t.traces(), ['src', 'copy', '--method', 'cdi', '--wait']
    child = t.start('clone', *words)
    child.end(180).expect(0)
    t.delete('virtualmachines', 'copy')
    t.delete('datavolumes', 'copy-data')
    until('one disk is left', lambda: not t.vm('copy') and not t.get('persistentvolumeclaims', 'copy-data'))
    for claim in t.claims_of('src').values():
        t.side.fill(t.ns, claim)
    t.clone(*words, *words_to_go_on(child), seconds=180).expect(0, r'copy +Stopped +2 bound')
    t.expect_same_content('src', 'copy')
    t.expect_gone_back_to(before | stands(t, ['copy']), 40)


@scenario(seconds=30)
def killed_when_its_target_is_in_use(t):
    """What was made is somebody's by then, and has a disk that no clone knows of: nothing of it is taken away."""
    name = t.storage_class('slow', binding='WaitForFirstConsumer')
    t.source('src', storage_class=name, bound=False)
    t.power('src', True)
    t.power('src', False)
    t.until_bound('src')
    t.side.fill(t.ns, 'src-root')
    t.replace_class(name, {'delay': 8, 'held': True})
    before, words = t.traces(), ['src', 'copy', '--method', 'native', '--start', '--wait']
    child = t.start('clone', *words)
    until('it is started', lambda: t.get('virtualmachineinstances', 'copy') or child.ended())
    child.kill(signal.SIGKILL)
    cut = child.end()
    check(t.names('virtualmachineclones'), f'nothing to go on with\n{cut}')
    t.hurry()
    until('copy runs', lambda: (t.get('virtualmachineinstances', 'copy') or {}).get('status', {}).get('phase') == 'Running')
    t.make_claim('more')
    pod = t.vm('copy')['spec']['template']['spec']
    t.api.patch('virtualmachines', t.ns, 'copy', {'spec': {'template': {'spec': {
        'volumes': pod['volumes'] + [{'name': 'more', 'persistentVolumeClaim': {'claimName': 'more'}}],
        'domain': {'devices': {'disks': pod['domain']['devices']['disks'] + [{'name': 'more', 'disk': {'bus': 'virtio'}}]}}}}}})
    t.clone(*words, *words_to_go_on(child)).expect(0, 'copy also uses claim that this clone did not make: more', r'copy +Running', no=['undone'])
    t.expect_only(before, 'copy')
    check(t.get('virtualmachineinstances', 'copy') and t.bound('copy'), 'it is not as it was')
