#!/usr/bin/python3
"""`kubectl wukong clone` against a real control plane: KubeVirt, CDI and CSI controllers, no node.

    cluster exec tests/real/clone.py --binary PATH [--only REGEX] [--jobs N] [--list] [--verbose]

One line per case, with seconds; the last line is `N passed, N failed`. Each case works in a namespace of its own and
removes it. Exit codes and words are those of the manual: 0 done, 1 failed, 2 usage, 3 refused, 4 no way in, 5 timed out.
"""
import argparse
import concurrent.futures
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import traceback

import lab
from lab import CLOUD_INIT, CONTAINER_DISK, Wrong, get, names, on_claim, patch, printed, until

CASES = {}
ALONE = set()  # run when the others are done


def case(function):
    CASES[function.__name__] = function
    return function


def alone(function):
    """KubeVirt's clone controller has one queue for all clones: a case that fills it keeps the others waiting."""
    ALONE.add(function.__name__)
    return case(function)


def check(condition, message):
    if not condition:
        raise Wrong(message)


def spec_of(t, name):
    return t.vm(name)['spec']['template']['spec']


# ---- 1: what a clone is

@case
def two_disks_and_cloud_init(t):
    t.source('src', {'root': 'Filesystem', 'data': 'Block', 'init': CLOUD_INIT},
             labels={'tier': 'web', 'vm.novasphere.dev/operation': 'old'}, annotations={'note': 'kept', 'vm.novasphere.dev/x': 'old'},
             template_labels={'app': 'web'})
    first = {disk: lab.write_random(t.ns, c) for disk, c in t.claims_of('src').items()}
    before = t.traces()
    t.clone('src', 'copy', '--wait', kubectl=True).expect(0, r'copy +Stopped +2 bound +src', no=['warning:', 'error:'])
    t.expect_only(before, 'copy')
    t.expect_same_bytes('src', 'copy')

    lab.write_random(t.ns, t.claims_of('src')['root'])
    check({d: lab.digest(t.ns, c) for d, c in t.claims_of('copy').items()} == first, 'the copy follows its source')
    source, copy = spec_of(t, 'src'), spec_of(t, 'copy')
    check(source['domain']['firmware']['uuid'] != copy['domain']['firmware']['uuid'], 'same firmware UUID')
    mac = copy['domain']['devices']['interfaces'][0].get('macAddress')
    check(mac != '02:00:00:00:00:01', 'same MAC address')
    made = t.vm('copy')['metadata']
    check(made['labels'].get('tier') == 'web' and made['annotations'].get('note') == 'kept', f'labels or annotations are lost: {made}')
    check(not any(k.startswith('vm.novasphere.dev/') for k in {**made['labels'], **made['annotations']}), f'marks of the source: {made}')
    lab.delete('virtualmachines', t.ns, 'src')
    t.power('copy', True)


@case
def name_is_made_up_and_printed(t):
    t.source()
    run = t.clone('src', '--wait', '-o', 'name').expect(0)
    name = run.out.strip().rpartition('/')[2]
    check(re.fullmatch(r'clone-src-[a-z0-9]{5}', name) and t.vm(name), f'printed {run.out!r}')


@case
def object_stays_with_keep(t):
    t.source()
    t.clone('src', 'copy', '--wait', '--keep').expect(0)
    clone, = names('virtualmachineclones', t.ns)
    meta = get('virtualmachineclones', t.ns, clone)['metadata']
    check(meta['labels']['app.kubernetes.io/managed-by'] == 'kubectl-wukong' and meta['labels']['vm.novasphere.dev/operation'], meta)


@case
def right_after_the_source_was_made(t):
    """Its volumes are not bound, and KubeVirt has not reported on its disks: refused with words, or cloned."""
    t.source('src', bound=False)
    run = t.clone('src', 'copy', '--wait')
    check(run.code in (0, 3), str(run))
    if run.code == 3:
        run.expect(3, 'hint:', no=['VolumeSnapshotClass of the same driver'])


# ---- 2 and 3: refusals

@case
def target_exists(t):
    t.source()
    t.source('there', {'init': CLOUD_INIT})
    before = t.traces()
    t.clone('src', 'there', '--wait').expect(3, f'error: VirtualMachine {t.ns}/there exists already', 'hint:')
    t.power('there', True)
    t.clone('src', 'there', '--wait').expect(3, 'there exists already')
    t.expect_gone_back_to(before)


@case
def source_missing(t):
    t.source('web-server', {'init': CLOUD_INIT})
    t.clone('web-sever', 'copy', '--wait').expect(3, f'VirtualMachine {t.ns}/web-sever does not exist', 'did you mean web-server')
    t.clone('qqq', 'copy').expect(3, 'does not exist', 'kubectl get virtualmachines')


@case
def disk_missing(t):
    lab.create('virtualmachines', t.ns, lab.vm('src', {'root': on_claim('nope')}))
    t.clone('src', 'copy', '--wait').expect(3, 'nope')
    check(not names('virtualmachineclones', t.ns), 'something was written')


@case
def storage_without_snapshots(t):
    t.source('src', storage_class='dir-nosnap', bound=False)
    until('bound', lambda: t.bound('src'))
    t.clone('src', 'copy', '--wait').expect(3, 'cannot be snapshotted: root', 'hint:')
    check(not names('virtualmachineclones', t.ns), 'something was written')


# ---- 4: rights

def rules_in(run):
    rules = re.findall(r'^\s*(- \{apiGroups: .*\})$', run.err, re.M)
    check(rules, f'no rules are printed\n{run}')
    return rules


@case
def no_rights(t):
    t.source()
    before = t.traces()
    run = t.clone('src', 'copy', '--wait', user='viewer').expect(4, 'virtualmachineclones', 'Role', t.ns)
    t.expect_gone_back_to(before)
    t.role('least', rules_in(run))
    t.clone('src', 'copy', '--wait', user='viewer').expect(0, no=['warning:', 'may not', 'could not'])
    t.expect_only(before, 'copy')


@case
def one_rule_less(t):
    """Without any single one of the printed rules: refused with words, or done and said what was not seen."""
    t.source()
    rules = rules_in(t.clone('src', 'copy', '--wait', user='viewer').expect(4))
    for i, left_out in enumerate(rules):
        with_fewer = rules[:i] + rules[i + 1:]
        t.role(f'fewer{i}', with_fewer)
        resource = re.search(r'resources: \["([^"]+)"', left_out).group(1)
        run = t.clone('src', f'copy{i}', '--wait', user='viewer')
        check(run.code in (0, 4), f'without {left_out}\n{run}')
        check(resource in run.out + run.err, f'does not name {resource}, without {left_out}\n{run}')
        if run.code == 0:
            t.expect_same_bytes('src', f'copy{i}')
        lab.delete('rolebindings', t.ns, f'fewer{i}-viewer')
        time.sleep(0.3)  # RBAC reads from a cache


@case
def as_kubevirt_edit(t):
    """Neither claims nor events can be read."""
    t.source('src', {'root': 'Filesystem', 'data': 'Block'})
    t.bind('kubevirt.io:edit')
    before = t.traces()
    t.clone('src', 'copy', '--wait', user='viewer').expect(0, 'persistentvolumeclaims', 'events')
    t.expect_only(before, 'copy')
    t.expect_same_bytes('src', 'copy')


@case
def as_kubevirt_edit_at_first_start(t):
    """Claims that wait for a consumer, and cannot be read: must not be taken for filled."""
    t.source('src', storage_class='dir-wait', bound=False)
    t.power('src', True)
    t.power('src', False)
    t.until_bound('src')
    t.bind('kubevirt.io:edit')
    t.clone('src', 'copy', '--wait', user='viewer').expect(0, 'must stay|first start')
    check(names('virtualmachineclones', t.ns), 'the clone object was removed while its claim is Pending')


# ---- 5: the server goes away

@case
def server_gone_from_the_start(t):
    t.source()
    relay = t.relay('cut')
    t.clone('src', 'copy', '--wait', *relay.flags).expect(4, r'127\.0\.0\.1', no=['internal'], within=36)


@case
def server_gone_and_short_patience(t):
    relay = t.relay('cut')
    t.clone('src', 'copy', '--wait', '--request-timeout', '3s', *relay.flags).expect(4, within=12)
    t.clone('src', 'copy', '--wait', '--timeout', '3s', *relay.flags).expect(4, within=12)


@case
def server_hangs_from_the_start(t):
    relay = t.relay('hang')
    t.clone('src', 'copy', '--wait', '--request-timeout', '3s', *relay.flags).expect(4, within=15)
    t.clone('src', 'copy', '--wait', *relay.flags, seconds=120).expect(4, within=60)


def slow_clone(t, *words, delay='6s', **more):
    """A clone whose volumes take their time: started, and in its restore phase."""
    name = t.storage_class('slow')
    t.source('src', {'root': 'Filesystem', 'data': 'Block'}, storage_class=name)
    t.replace_class(name, delay=delay)
    time.sleep(0.5)
    before = t.traces()
    child = t.start('clone', 'src', 'copy', '--wait', *words, **more)
    until('the restore has begun', lambda: names('virtualmachinerestores', t.ns) or child.process.poll() is not None)
    until('its claims stand', lambda: len(names('persistentvolumeclaims', t.ns)) == 4 or child.process.poll() is not None)
    return child, before


def outage(t, fail, words):
    relay = t.relay()
    child, before = slow_clone(t, *relay.flags)
    child.until_says('Restoring')
    fail(relay)
    time.sleep(20)
    if child.process.poll() is not None:
        raise Wrong(f'ended in the outage\n{child.end()}')
    relay.open()
    child.end(120).expect(0, r'copy +Stopped +2 bound', *words)
    t.expect_only(before, 'copy')
    t.expect_same_bytes('src', 'copy')


@case
def server_gone_for_a_while(t):
    outage(t, lambda relay: relay.cut(), ['not reachable', 'reachable again'])


@case
def server_hangs_for_a_while(t):
    outage(t, lambda relay: relay.hang(), [])  # nothing tells a silent connection from a quiet one so soon


@case
def server_gone_for_good(t):
    relay = t.relay()
    child, _ = slow_clone(t, '--timeout', '20s', *relay.flags)
    relay.cut()
    run = child.end(60).expect(5, 'timed out after 20s', 'copy', 'left in place', no=['reachable again'], within=30)
    until('the clone goes on in the cluster', lambda: t.vm('copy') and t.bound('copy'), 30)
    t.shell(printed(run, 'to go on waiting')).expect(0)


# ---- 6: volumes that wait for their first consumer

@case
def data_at_first_start(t):
    t.source('src', {'root': 'Filesystem', 'data': 'Block'}, storage_class='dir-wait', bound=False)
    t.clone('src', 'early', '--wait').expect(3, 'is Pending', 'virtctl start src')
    t.power('src', True)
    t.power('src', False)
    t.until_bound('src')
    for c in t.claims_of('src').values():
        lab.write_random(t.ns, c)
    run = t.clone('src', 'copy', '--wait').expect(0, '2 at first start', 'first start')
    clone, = names('virtualmachineclones', t.ns)
    t.power('copy', True)
    until('bound', lambda: t.bound('copy'))
    t.expect_same_bytes('src', 'copy')
    line = re.search(rf'(kubectl delete virtualmachineclone {clone} -n {t.ns})', run.err)
    check(line, f'does not say how to remove {clone}\n{run}')
    t.shell(line.group(1)).expect(0)
    until('temporary objects are gone', lambda: not any(names(r, t.ns) for r in ('virtualmachinerestores', 'virtualmachinesnapshots', 'volumesnapshots')))
    t.expect_same_bytes('src', 'copy')


# ---- 7: storage that fails

@case
def snapshots_fail(t):
    name = t.storage_class('nosnap', snapshot={'fail': 'pool is full'})
    t.source('src', {'root': 'Filesystem'}, storage_class=name)
    before = t.traces()
    child = t.start('clone', 'src', 'copy', '--wait', '--stall-timeout', '8s')
    child.until_says('pool is full', 6)
    check(child.process.poll() is None, 'ended as soon as it saw the error')
    child.end().expect(1, 'pool is full', 'has not moved for 8s', within=16)
    t.expect_gone_back_to(before)


@case
def snapshots_fail_and_are_mended(t):
    name = t.storage_class('nosnap', snapshot={'fail': 'pool is full'})
    t.source('src', {'root': 'Filesystem'}, storage_class=name)
    before = t.traces()
    child = t.start('clone', 'src', 'copy', '--wait', '--stall-timeout', '40s')
    child.until_says('pool is full')
    patch('volumesnapshotclasses', '', name, {'parameters': None})
    child.end().expect(0)
    t.expect_only(before, 'copy')
    t.expect_same_bytes('src', 'copy')


def failing_restore(t, *words):
    name = t.storage_class('fails')
    t.source('src', {'root': 'Filesystem', 'data': 'Block'}, storage_class=name)
    t.replace_class(name, fail='no space left on device')
    time.sleep(0.5)
    before = t.traces()
    return name, before, t.start('clone', 'src', 'copy', '--wait', *words)


@case
def volumes_fail(t):
    _, before, child = failing_restore(t, '--stall-timeout', '8s')
    child.until_says('no space left on device', 8)
    child.end().expect(1, 'no space left on device', within=18)
    t.expect_gone_back_to(before)


@case
def volumes_fail_and_are_kept(t):
    _, before, child = failing_restore(t, '--stall-timeout', '5s', '--keep-failed')
    run = child.end().expect(1, 'no space left on device', 'left in place')
    check(names('virtualmachineclones', t.ns), 'not kept')
    t.shell(printed(run, 'to give it up')).expect(0)
    t.expect_gone_back_to(before, 30)


@case
def volumes_fail_and_are_mended(t):
    name, before, child = failing_restore(t, '--stall-timeout', '60s')
    child.until_says('no space left on device', 8)
    t.replace_class(name)
    child.end().expect(0, r'copy +Stopped +2 bound')
    t.expect_only(before, 'copy')


@case
def volumes_fail_until_the_timeout(t):
    _, _, child = failing_restore(t, '--timeout', '6s')
    run = child.end().expect(5, 'timed out after 6s', 'no space left on device', 'left in place')
    check(names('virtualmachineclones', t.ns), 'not left in place')
    check(printed(run, 'to go on waiting'), 'no command')


# ---- 8: interrupted

def after_interrupt(t, run, before, code):
    run.expect(code, 'left in place', 'interrupted')
    clone, = names('virtualmachineclones', t.ns)
    check(clone in run.err, f'does not name {clone}\n{run}')
    t.shell(printed(run, 'to go on waiting'), 60).expect(0)
    until('usable', lambda: t.vm('copy') and t.bound('copy'), 30)
    t.expect_same_bytes('src', 'copy')


@case
def ctrl_c_in_a_terminal(t):
    child, before = slow_clone(t, terminal=(100, 24))
    child.press_ctrl_c()
    after_interrupt(t, child.end(), before, 130)


@case
def sigint_to_a_pipe(t):
    child, before = slow_clone(t)
    child.kill(signal.SIGINT)
    run = child.end()
    check(run.seconds < 30, run)
    after_interrupt(t, run, before, 130)


@case
def sigint_and_given_up(t):
    """The printed command that gives up leaves nothing."""
    child, before = slow_clone(t)
    child.kill(signal.SIGINT)
    run = child.end().expect(130)
    t.shell(printed(run, 'to give it up')).expect(0)
    t.expect_gone_back_to(before, 30)


@case
def sigterm(t):
    child, before = slow_clone(t)
    child.kill(signal.SIGTERM)
    after_interrupt(t, child.end(), before, 143)


@case
def sigint_twice(t):
    child, _ = slow_clone(t, '--cancel-on-interrupt', delay='12s')
    started = time.monotonic()
    child.kill(signal.SIGINT)
    time.sleep(0.2)
    child.kill(signal.SIGINT)
    run = child.end()
    check(time.monotonic() - started < 2, f'did not leave at once\n{run}')
    check(run.code == 130, run)


@case
def sigint_cancels(t):
    child, before = slow_clone(t, '--cancel-on-interrupt')
    child.kill(signal.SIGINT)
    child.end().expect(130, no=['left as it is'])
    t.expect_gone_back_to(before, 30)


@case
def sigint_cancels_while_snapshots_are_taken(t):
    name = t.storage_class('slowsnap', snapshot={'delay': '5s'})
    t.source('src', {'root': 'Filesystem', 'data': 'Block'}, storage_class=name)
    before = t.traces()
    child = t.start('clone', 'src', 'copy', '--wait', '--cancel-on-interrupt')
    until('snapshots are being taken', lambda: len(names('volumesnapshots', t.ns)) == 2)
    child.kill(signal.SIGINT)
    child.end().expect(130)
    t.expect_gone_back_to(before, 40)


# ---- 9: several at once, and others who meddle

@case
def clone_deleted_by_another(t):
    child, before = slow_clone(t)
    clone, = names('virtualmachineclones', t.ns)
    lab.delete('virtualmachineclones', t.ns, clone)
    child.end().expect(1, 'was deleted', no=['left in place'], within=40)
    until('its claims are gone', lambda: len(names('persistentvolumeclaims', t.ns)) == 2)


@case
def target_made_by_another(t):
    child, before = slow_clone(t, '--stall-timeout', '6s')
    lab.create('virtualmachines', t.ns, lab.vm('copy', {'init': CLOUD_INIT}))
    child.end().expect(1, 'exists', within=50)
    until('its own is left', lambda: not any(names(r, t.ns) for r in ('virtualmachineclones', 'virtualmachinerestores', 'virtualmachinesnapshots')))
    check(t.vm('copy') and not t.claims_of('copy'), "another's VM was touched")


@case
def target_deleted_by_another(t):
    """As soon as it stands; the run must not claim success for a VM that is gone."""
    child, before = slow_clone(t)
    until('it stands', lambda: t.vm('copy'), 40)
    lab.delete('virtualmachines', t.ns, 'copy')
    run = child.end(90)
    check(run.code == 1 or (run.code == 0 and 'done' in run.err), str(run))


@case
def source_deleted_meanwhile(t):
    child, before = slow_clone(t)
    lab.delete('virtualmachines', t.ns, 'src')
    child.end(90).expect(0, r'copy +Stopped +2 bound')
    check(t.bound('copy'), 'not bound')

@alone
def ten_clones_of_one_vm(t):
    t.source()
    before = t.traces()
    children = [t.start('clone', 'src', f'copy{i}', '--wait') for i in range(10)]
    for child in children:
        child.end(150).expect(0)
    t.expect_only(before, *[f'copy{i}' for i in range(10)])
    for i in range(10):
        t.expect_same_bytes('src', f'copy{i}')


@case
def two_clones_to_one_target(t):
    for n in ('a', 'b'):
        t.source(n)
    before = t.traces()
    children = {n: t.start('clone', n, 'copy', '--wait', '--stall-timeout', '8s') for n in ('a', 'b')}
    runs = {n: c.end(90) for n, c in children.items()}
    won = [n for n, r in runs.items() if r.code == 0]
    check(len(won) <= 1, ''.join(map(str, runs.values())))
    check({r.code for r in runs.values()} <= {0, 1, 3}, ''.join(map(str, runs.values())))
    if won:
        t.expect_only(before, 'copy')
        t.expect_same_bytes(won[0], 'copy')
    else:
        t.expect_gone_back_to(before)


# ---- 10: quotas

def over_quota(t, words, **hard):
    t.source('src', {'root': 'Filesystem', 'data': 'Block'})
    t.quota(**hard)
    before = t.traces()
    t.clone('src', 'copy', '--wait', '--stall-timeout', '6s').expect(1, *words, within=25)
    t.expect_gone_back_to(before)


@case
def quota_on_claims(t):
    over_quota(t, ['exceeded quota: q'], persistentvolumeclaims='3')


@case
def quota_on_vms(t):
    over_quota(t, ['exceeded quota: q'], count__virtualmachines_kubevirt_io='1')


@case
def quota_on_vm_snapshots(t):
    over_quota(t, ['quota', 'VirtualMachineSnapshots'], count__virtualmachinesnapshots_snapshot_kubevirt_io='0')


@case
def quota_on_clones(t):
    t.source()
    t.quota(count__virtualmachineclones_clone_kubevirt_io='0')
    run = t.clone('src', 'copy', '--wait')
    check(run.code in (1, 3, 4), str(run))
    run.expect(run.code, 'exceeded quota: q', 'virtualmachineclones', within=10)


@case
def quota_on_volume_snapshots(t):
    """The API names no reason anywhere, so nothing stalls: KubeVirt gives up after 5 minutes."""
    t.source('src', {'root': 'Filesystem', 'data': 'Block'})
    t.quota(count__volumesnapshots_snapshot_storage_k8s_io='0')
    t.clone('src', 'copy', '--wait', '--timeout', '6s').expect(5, 'Snapshotting', 'left in place')


@case
def quota_raised_in_time(t):
    t.source('src', {'root': 'Filesystem', 'data': 'Block'})
    t.quota(persistentvolumeclaims='3')
    before = t.traces()
    child = t.start('clone', 'src', 'copy', '--wait')
    child.until_says('exceeded quota')
    patch('resourcequotas', t.ns, 'q', {'spec': {'hard': {'persistentvolumeclaims': '9'}}})
    child.end().expect(0)
    t.expect_only(before, 'copy')


# ---- 11: names and shapes

@case
def names_that_fit(t):
    t.source('on')
    before = t.traces()
    targets = ['n', '1e3', '12345', 'with.dots.in.it', 'x' * 63, '0x1f', 'null']
    for target in targets:
        run = t.clone('on', target, '--wait', '-o', 'yaml').expect(0)
        text = subprocess.run(['kubectl', 'create', '--dry-run=client', '-o', 'json', '-f', '-'], input=run.out, capture_output=True, text=True,
                              env=t.environment())
        check(text.returncode == 0, f'kubectl does not read the YAML: {text.stderr}\n{run}')
        check(json.loads(text.stdout)['metadata']['name'] == target, f'the name has changed: {text.stdout}')
    t.expect_only(before, *targets)


@case
def names_that_do_not(t):
    for target in ('x' * 64, 'Upper', 'a_b', '-a', 'a-', 'ä', 'src', 'a/b', 'a..b'):
        t.clone('src', '--wait', '--', target).expect(2, 'error:')
    t.clone('src', 'b', 'c').expect(2, 'unexpected word')
    t.clone('snapshot/x', 'b').expect(2, 'vm/NAME')
    t.clone('src', 'b', '--wiat').expect(2, 'did you mean --wait')
    t.clone('src', 'b', '--timeout', 'soon').expect(2, '--timeout')


@case
def long_names(t):
    disk, name = 'd' * 60, 's' * 63
    lab.create('persistentvolumeclaims', t.ns, lab.claim('c' * 200))
    lab.create('virtualmachines', t.ns, lab.vm(name, {disk: on_claim('c' * 200)}))
    t.until_bound(name)
    lab.write_random(t.ns, 'c' * 200)
    before = t.traces()
    t.clone(name, 't' * 63, '--wait').expect(0)
    t.expect_only(before, 't' * 63)
    t.expect_same_bytes(name, 't' * 63)


@case
def source_name_too_long(t):
    """KubeVirt writes the source's name into labels; what becomes of a VM with a longer one?"""
    lab.create('virtualmachines', t.ns, lab.vm('s' * 70, {'init': CLOUD_INIT}))
    t.clone('s' * 70, 'copy', '--wait').expect(2, '63')


@case
def without_disks(t):
    t.source('none', {})
    t.source('live', {'root': CONTAINER_DISK, 'init': CLOUD_INIT})
    before = t.traces()
    t.clone('none', 'none2', '--wait').expect(0, r'none2 +\w+ +none')
    t.clone('live', 'live2', '--wait').expect(0, r'live2 +\w+ +none')
    t.expect_only(before, 'none2', 'live2')


@case
def running_source(t):
    t.source('src', {'root': 'Filesystem'})
    t.power('src', True)
    before = t.traces()
    t.clone('src', 'copy', '--wait').expect(0, 'src is running', 'guest agent|quiesced')
    t.expect_only(before, 'copy')
    t.expect_same_bytes('src', 'copy')


@case
def template_data_volume(t):
    """A disk of dataVolumeTemplates belongs to the new VM and goes with it."""
    body = lab.vm('src', {'root': {'dataVolume': {'name': 'src-root'}}})
    body['spec']['dataVolumeTemplates'] = [{'metadata': {'name': 'src-root'}, 'spec': {
        'source': {'blank': {}}, 'storage': {'storageClassName': 'dir', 'resources': {'requests': {'storage': '8Mi'}}}}}]
    lab.create('virtualmachines', t.ns, body)
    until('disk', lambda: (get('datavolumes', t.ns, 'src-root') or {}).get('status', {}).get('phase') == 'Succeeded', 60)
    t.until_bound('src')
    lab.write_random(t.ns, 'src-root')
    t.clone('src', 'copy', '--wait').expect(0, r'1 bound')
    t.expect_same_bytes('src', 'copy')
    claim = t.claims_of('copy')['root']
    lab.delete('virtualmachines', t.ns, 'copy')
    until('the disk goes with the VM', lambda: not get('persistentvolumeclaims', t.ns, claim), 20)


@case
def odd_places(t):
    """A namespace that is not there, no kubeconfig, a broken one, a context that is not in it."""
    t.clone('src', 'copy', '-n', 'there-is-no-such-namespace').expect(3, 'there-is-no-such-namespace')
    t.clone('src', 'copy', '--kubeconfig', '/nonexistent').expect(2, '/nonexistent')
    t.clone('src', 'copy', '--context', 'nope').expect(2, 'nope')
    t.clone('src', 'copy', '--server', 'https://there.is.no.such.host.invalid:6443', '--request-timeout', '2s').expect(4, 'invalid', within=15)
    t.clone('src', 'copy', '--certificate-authority', f'{lab.STATE}/pki/front-proxy.crt').expect(4, '(?i)certificate', within=5)
    t.clone('src', 'copy', '--token', 'wrong', '--kubeconfig', '/dev/null', '--server', f'https://{lab.SERVER[0]}:6443',
            '--certificate-authority', f'{lab.STATE}/pki/cluster.crt').expect(4, within=5)


# ---- 12: output

@case
def formats(t):
    t.source()
    for form, words in (('name', r'^virtualmachine\.kubevirt\.io/f-name\n$'), ('json', r'"name": "f-json"'), ('yaml', r'name: f-yaml\n'),
                        ('table', r'^NAME +STATUS +DISKS +CLONED FROM\nf-table')):
        run = t.clone('src', f'f-{form}', '--wait', '-o', form).expect(0)
        check(re.search(words, run.out), str(run))
        if form == 'json':
            check(json.loads(run.out)['kind'] == 'VirtualMachine', run)


@case
def progress_modes(t):
    t.source()
    for mode in ('json', 'plain', 'none', 'bar', 'auto'):
        run = t.clone('src', f'p-{mode}', '--wait', '-o', 'name', '--progress', mode).expect(0)
        check(run.out == f'virtualmachine.kubevirt.io/p-{mode}\n', f'stdout is not clean\n{run}')
        if mode == 'json':
            lines = [json.loads(line) for line in run.err.splitlines()]
            check(lines and all(isinstance(line, dict) for line in lines), run)
        check(mode != 'none' or run.err == '', f'not silent\n{run}')
        check(mode in ('bar',) or '\x1b' not in run.err, f'escape codes\n{run!r}')
    failed = t.clone('nope', 'x', '--progress', 'json').expect(3)
    check(all(json.loads(line) for line in failed.err.splitlines()), failed)


@case
def dry_runs(t):
    t.source()
    before = t.traces()
    t.clone('src', 'copy', '--wait', '--dry-run').expect(0, '1', 'method native')
    for mode in ('client', 'server'):
        run = t.clone('src', 'copy', f'--dry-run={mode}', '-o', 'json').expect(0)
        check(json.loads(run.out)['kind'] == 'VirtualMachineClone', run)
        run = t.clone('src', 'copy', f'--dry-run={mode}', '-o', 'yaml').expect(0)
        applied = subprocess.run(['kubectl', 'create', '--dry-run=server', '-o', 'name', '-f', '-'], input=run.out, capture_output=True, text=True, env=t.environment())
        check(applied.returncode == 0, f'{applied.stderr}\n{run}')
    t.clone('src', 'copy', '--dry-run=server').expect(0, 'server dry run')
    t.clone('nope', 'copy', '--dry-run').expect(3)
    t.expect_gone_back_to(before, 1)


@case
def without_wait(t):
    t.source()
    before = t.traces()
    run = t.clone('src', 'copy').expect(0, 'virtualmachineclone.*created')
    t.shell(printed(run, 'to wait for it'), 30).expect(0)
    until('usable', lambda: t.vm('copy') and t.bound('copy'))
    t.shell(printed(run, 'to give it up')).expect(0)
    t.expect_only(before, 'copy')


@case
def without_wait_and_given_up(t):
    name = t.storage_class('slow')
    t.source('src', {'root': 'Filesystem'}, storage_class=name)
    t.replace_class(name, delay='5s')
    time.sleep(0.5)
    run = t.clone('src', 'copy').expect(0)
    until('in the restore', lambda: len(names('persistentvolumeclaims', t.ns)) == 2)
    t.shell(printed(run, 'to give it up')).expect(0)
    until('no more of it', lambda: not any(names(r, t.ns) for r in ('virtualmachineclones', 'virtualmachinerestores', 'virtualmachinesnapshots')))
    check(not t.vm('copy') and not t.vm('src')['status'].get('snapshotInProgress'), 'it goes on, or its source is locked')


@case
def in_a_terminal(t):
    try:
        import pyte
    except ImportError:
        return
    t.source()
    child = t.start('clone', 'src', 'copy', '--wait', terminal=(80, 24))
    run = child.end().expect(0)
    screen = pyte.Screen(80, 24)
    pyte.ByteStream(screen).feed(child.parts['err'])
    lines = [line.rstrip() for line in screen.display if line.strip()]
    check(any(re.match(r'copy +Stopped +1 bound +src', line) for line in lines), f'the screen:\n' + '\n'.join(lines) + f'\n{run}')
    check(len(lines) <= 8, 'frames are left on the screen:\n' + '\n'.join(lines))


# ---- 13: as a plugin of kubectl

@case
def completion_through_kubectl(t):
    def complete(*words):
        p = subprocess.run(['kubectl', '__complete', 'wukong', *words], env=t.environment(), capture_output=True, text=True)
        return [line.split('\t')[0] for line in p.stdout.splitlines()]
    check('clone' in complete('cl'), complete('cl'))
    check('--wait' in complete('clone', '--wa'), complete('clone', '--wa'))


# ---- the run

def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--binary', required=True)
    parser.add_argument('--only', default='', help='cases whose name matches')
    parser.add_argument('--jobs', type=int, default=6)
    parser.add_argument('--list', action='store_true')
    parser.add_argument('--again', action='store_true', help='a case that fails among others has a second try alone, and both are told')
    parser.add_argument('--verbose', action='store_true', help='what every run printed')
    options = parser.parse_args()
    chosen = [n for n in CASES if re.search(options.only, n)]
    if options.list:
        print('\n'.join(chosen))
        return 0
    folder, path = lab.plugin_path(options.binary)
    binary = f'{folder}/kubectl-wukong'
    failed, writing = [], threading.Lock()

    def run(name):
        started, problem, runs = time.monotonic(), '', []
        try:
            with lab.Lab(name, binary, path) as t:
                runs = t.runs
                CASES[name](t)
        except Wrong as wrong:
            problem = str(wrong)
        except Exception:  # of the case or the cluster: told as a failure, the others go on
            problem = traceback.format_exc()
        with writing:
            print(f'{"FAIL" if problem else "ok  "} {time.monotonic() - started:6.1f} s  {name}', flush=True)
            if options.verbose:
                print(''.join(map(str, runs)), flush=True)
            if problem:
                failed.append(name)
                print('    ' + problem.strip().replace('\n', '\n    '), flush=True)

    try:
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            list(pool.map(run, [n for n in chosen if n not in ALONE]))
        for name in [n for n in chosen if n in ALONE]:
            run(name)
        if options.again:
            for name in failed.copy():
                print(f'again, alone: {name}', flush=True)
                failed.remove(name)
                run(name)
    finally:
        lab.discard(folder)
        lab.release_hanging_namespaces()
    print(f'{len(chosen) - len(failed)} passed, {len(failed)} failed')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
