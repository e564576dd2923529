#!/usr/bin/python3 -B
"""Many runs of `kubectl wukong clone --wait` through the fault proxy, each with a seed of its own, and what must hold after each.

    tests/faults/run.py --binary PATH --proxy PATH [--mode tcp|tls|both] [--runs N] [--seed N] [--rate R] [--jobs N] [--logs DIR]
        [--most N] [--until SECONDS] [--stretch N]

The cluster is that of $KUBECONFIG (current context); it is read past the proxy. Runs work in namespaces `faults-<n>` with one source VM each,
which are made when they are missing, and used again. A run is repeated with `--seed N --runs 1 --mode M`: the same faults for the
same requests; what the cluster does meanwhile is its own affair. One line per run; the last line is `N runs, N violations`.

What must hold:
  exit 0         the target exists, was made by this clone, its claims are bound and hold the source's data; nothing else is left
  any other      the target is not called done; whatever is left has its name in the output; the error tells of the way to the
                 cluster, for nothing else was struck
  always         an exit code of the manual, no signal, no sanitizer report; one clone object at most, no second target;
                 the source VM is as it was and, in the end, not locked
"""
import argparse
import collections
import concurrent.futures
import os
import pathlib
import queue
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from support.kube_api import Api  # noqa: E402

#: Exit codes of the manual that a clone may end with; 2 and 3 would mean that it misread its surroundings, or the words typed.
CODES = {0, 1, 4, 5}
#: What a clone makes or could leave, in the order in which it is removed: snapshots last, for claims may wait for them.
TRACES = ('virtualmachineclones', 'virtualmachinerestores', 'virtualmachines', 'datavolumes', 'persistentvolumeclaims',
          'virtualmachinesnapshots', 'virtualmachinesnapshotcontents', 'volumesnapshots')
#: Errors that faults on the way may come to.
WAY = re.compile(r'^error: .*(the fault proxy says|cannot reach|timed out after|the answer to|HTTP \d{3})', re.M)
SOURCE = 'src'


class Cluster(Api):
    """With what the volumes hold."""

    def volume(self, ns, claim):
        """The claim's PersistentVolume, and its file: a path that is there on the machine of tests/cluster only."""
        pv = self.get('persistentvolumes', '', self.get('persistentvolumeclaims', ns, claim)['spec']['volumeName'])
        handle = pv['spec'].get('csi', {}).get('volumeHandle', '')
        return pv, pathlib.Path(os.environ.get('CLUSTER_STATE', '/nowhere'), 'storage', 'volumes', handle, 'disk.img')

    def content(self, ns, claim):
        """What the claim's volume holds: the sandbox marks it, tests/cluster has it in a file. None: this cluster does not tell."""
        pv, file = self.volume(ns, claim)
        mark = pv['metadata'].get('annotations', {}).get('sandbox.wukong/content')
        return mark or (file.read_bytes() if file.exists() else None)


def until(check, seconds):
    """Polls; what `check` returned last."""
    end = time.monotonic() + seconds
    while True:
        found = check()
        if found or time.monotonic() > end:
            return found
        time.sleep(0.2)


# ---- a namespace with its source

def source_vm():
    return {'apiVersion': 'kubevirt.io/v1', 'kind': 'VirtualMachine', 'metadata': {'name': SOURCE, 'labels': {'made-for': 'fault-runs'}},
            'spec': {'runStrategy': 'Halted', 'template': {'spec': {
                'architecture': 'amd64',
                'domain': {'devices': {'disks': [{'name': 'root', 'disk': {'bus': 'virtio'}}], 'interfaces': [{'name': 'default', 'masquerade': {}}]},
                           'resources': {'requests': {'memory': '64Mi'}}},
                'networks': [{'name': 'default', 'pod': {}}],
                'volumes': [{'name': 'root', 'persistentVolumeClaim': {'claimName': f'{SOURCE}-root'}}]}}}}


def source_claim():
    return {'apiVersion': 'v1', 'kind': 'PersistentVolumeClaim', 'metadata': {'name': f'{SOURCE}-root'},
            'spec': {'accessModes': ['ReadWriteOnce'], 'resources': {'requests': {'storage': '16Mi'}}}}


class Place:
    """A namespace that one run after the other uses."""

    def __init__(self, cluster, ns):
        self.cluster, self.ns = cluster, ns

    def prepare(self):
        if not self.cluster.get('namespaces', '', self.ns):
            self.cluster.create('namespaces', '', {'apiVersion': 'v1', 'kind': 'Namespace', 'metadata': {'name': self.ns}})
        if not self.cluster.get('persistentvolumeclaims', self.ns, f'{SOURCE}-root'):
            self.cluster.create('persistentvolumeclaims', self.ns, source_claim())
        if not self.cluster.get('virtualmachines', self.ns, SOURCE):
            self.cluster.create('virtualmachines', self.ns, source_vm())
        if not until(self.source_is_ready, 120):
            raise RuntimeError(f'{self.ns}: the source VM does not become ready to be cloned')
        _, file = self.cluster.volume(self.ns, f'{SOURCE}-root')
        if file.parent.is_dir():
            file.write_bytes(os.urandom(4096))
        self.clean()

    def source_is_ready(self):
        vm, claim = self.source(), self.cluster.get('persistentvolumeclaims', self.ns, f'{SOURCE}-root')
        return claim['spec'].get('volumeName') and any(s['enabled'] for s in vm.get('status', {}).get('volumeSnapshotStatuses') or [])

    def traces(self):
        """What is there next to the source: {resource/name: object}."""
        return {f'{r}/{n}': o for r in TRACES for n, o in self.cluster.all(r, self.ns).items() if n not in (SOURCE, f'{SOURCE}-root')}

    def source(self):
        return self.cluster.get('virtualmachines', self.ns, SOURCE)

    def content(self, claim=f'{SOURCE}-root'):
        return self.cluster.content(self.ns, claim)

    def source_is_locked(self):
        status = self.source().get('status', {})
        return status.get('snapshotInProgress') or status.get('restoreInProgress')

    def clean(self):
        """Removes all but the source; a namespace that cannot be emptied is given up."""
        def empty():
            traces = self.traces()
            for trace in traces:
                self.cluster.delete(trace.split('/')[0], self.ns, trace.split('/')[1])
            return not traces and not self.source_is_locked()
        if not until(empty, 120):
            raise RuntimeError(f'{self.ns} cannot be emptied: {sorted(self.traces())}')


# ---- one run

class Run:
    def __init__(self, place, options, mode, seed):
        self.place, self.options, self.mode, self.seed = place, options, mode, seed
        self.target = f't-{seed}'
        self.faults, self.problems = '', []

    def go(self):
        folder = tempfile.mkdtemp(prefix='fault-run-')
        through = f'{folder}/kubeconfig'
        proxy = subprocess.Popen(
            [self.options.proxy, '--kubeconfig', os.environ['KUBECONFIG'], '--write-kubeconfig', through, '--mode', self.mode,
             '--seed', str(self.seed), '--rate', str(self.rate()), '--most', str(self.options.most), '--until', str(self.options.until),
             '--stretch', str(self.options.stretch)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            if not proxy.stdout.readline():
                raise RuntimeError(f'the proxy does not start: {proxy.stderr.read()}')
            self.before, self.content = self.place.source(), self.place.content()
            self.clone(through)
        finally:
            _, self.faults = proxy.communicate('')
            shutil.rmtree(folder, ignore_errors=True)
        if proxy.returncode != 0:
            self.problem(f'the proxy itself ended with {proxy.returncode}')
        self.judge()
        return self

    def rate(self):
        return self.options.rate or {'tcp': 0.9, 'tls': 0.15}[self.mode]

    def longest(self):
        """--timeout is the wait's; reading, checking, writing and giving up have their own patience of 30 s each."""
        return self.options.timeout + (120 if self.options.stretch == 1 else 210)

    def clone(self, kubeconfig):
        command = [self.options.binary, 'clone', SOURCE, self.target, '-n', self.place.ns, '--wait', '--timeout', f'{self.options.timeout}s',
                   '--progress', 'plain', '--kubeconfig', kubeconfig]
        began = time.monotonic()
        try:
            done = subprocess.run(command, capture_output=True, text=True, errors='replace', stdin=subprocess.DEVNULL,
                                  timeout=self.longest())
            self.code, self.out, self.err = done.returncode, done.stdout, done.stderr
        except subprocess.TimeoutExpired as e:
            self.code, self.out, self.err = None, (e.stdout or b'').decode(errors='replace'), (e.stderr or b'').decode(errors='replace')
            self.problem(f'did not end within {self.longest()} s, with a --timeout of {self.options.timeout} s')
        self.seconds = time.monotonic() - began

    def problem(self, words):
        self.problems.append(words)

    def judge(self):
        if self.code is not None and self.code < 0:
            self.problem(f'ended by signal {-self.code}')
        elif self.code is not None and self.code not in CODES:
            self.problem(f'exit {self.code} is none that this clone may have')
        if report := re.search(r'Sanitizer|runtime error:|terminate called|internal:', self.err):
            self.problem(f'looks like a bug: {report.group(0)}')
        traces = self.place.traces()
        self.judge_doubles(traces)
        if self.code == 0:
            self.judge_success()
        elif self.code is not None:
            self.judge_failure()
        self.judge_source()

    def judge_doubles(self, traces):
        clones = [t for t in traces if t.startswith('virtualmachineclones/')]
        if len(clones) > 1:
            self.problem(f'more than one clone object: {clones}')
        others = [t for t in traces if t.startswith('virtualmachines/') and t != f'virtualmachines/{self.target}']
        if others:
            self.problem(f'VMs that nobody asked for: {others}')

    def claims_of(self, vm):
        return [v['persistentVolumeClaim']['claimName'] for v in vm['spec']['template']['spec']['volumes'] if 'persistentVolumeClaim' in v]

    def judge_success(self):
        vm = self.place.cluster.get('virtualmachines', self.place.ns, self.target)
        if not vm:
            return self.problem('says done, and the target is not there')
        # The restore inside the clone signs what it makes; the source, and VMs made otherwise, lack it.
        if not vm['metadata'].get('annotations', {}).get('restore.kubevirt.io/lastRestoreUID', '').startswith('tmp-restore-'):
            self.problem('the target was not made by a clone')
        wanted = {f'virtualmachines/{self.target}'} | {f'persistentvolumeclaims/{c}' for c in self.claims_of(vm)}
        for claim in self.claims_of(vm):
            found = self.place.cluster.get('persistentvolumeclaims', self.place.ns, claim)
            phase = found and found.get('status', {}).get('phase')
            if phase != 'Bound':
                self.problem(f'says done, and claim {claim} is {phase}')
            elif self.place.content(claim) != self.content:
                self.problem(f"says done, and claim {claim} does not hold the source's data")
            if claim == f'{SOURCE}-root':
                self.problem("the target uses the source's claim")
        if self.target not in self.out:
            self.problem('says done without naming the target')
        # Controllers take a moment to remove what the clone owned.
        left = until(lambda: not self.unnamed(wanted), 30) or self.unnamed(wanted)
        if left is not True:
            self.problem(f'is done, and leaves without a word: {sorted(left)}')

    def judge_failure(self):
        if not re.search(r'^error: ', self.err, re.M):
            self.problem('fails without an error line')
        elif not WAY.search(self.err):
            self.problem('blames the cluster for what happened on the way to it')
        if re.search(rf'^{self.target}\s', self.out, re.M):
            self.problem('fails, and prints the target as a result')
        # A controller that is on its way when the run ends may still finish or give up: what settles counts.
        left = until(lambda: not self.unnamed(set()), 30) or self.unnamed(set())
        if left is not True:
            self.problem(f'leaves without a word: {sorted(left)}')

    def unnamed(self, wanted):
        """What is left, neither wanted nor named; things that belong to something named count as named."""
        traces, said = self.place.traces(), self.out + self.err
        named = {t for t in traces if t in wanted or re.search(rf'(?<![\w-]){re.escape(t.split("/")[1])}(?![\w-])', said)}
        uids = {traces[t]['metadata']['uid'] for t in named}
        if any(t.startswith('virtualmachineclones/') for t in named):
            return set()  # all the rest is what that clone makes
        owned = {t for t, o in traces.items() if any(r['uid'] in uids for r in o['metadata'].get('ownerReferences', []))}
        return {t for t in set(traces) - named - owned if not traces[t]['metadata'].get('deletionTimestamp')}

    def judge_source(self):
        after = self.place.source()
        if after['metadata']['uid'] != self.before['metadata']['uid'] or after['spec'] != self.before['spec']:
            self.problem('the source VM has changed')
        if self.place.content() != self.content:
            self.problem("the source's data has changed")
        if self.code == 0 and not until(lambda: not self.place.source_is_locked(), 30):
            self.problem('the source VM stays locked')

    def line(self):
        verdict = 'VIOLATION' if self.problems else 'ok'
        return f'{self.mode} seed {self.seed}: exit {self.code} {self.seconds:.1f} s, {len(self.faults.splitlines())} faults: {verdict}'

    def details(self):
        def indented(label, text):
            return f'  {label}\n' + ''.join(f'    | {line}\n' for line in text.splitlines())
        return ''.join(f'  ! {p}\n' for p in self.problems) + indented('faults', self.faults) + indented('stdout', self.out) + indented('stderr', self.err)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--binary', required=True)
    parser.add_argument('--proxy', required=True)
    parser.add_argument('--mode', choices=['tcp', 'tls', 'both'], default='both')
    parser.add_argument('--runs', type=int, default=20, help='per mode')
    parser.add_argument('--seed', type=int, default=1, help='of the first run; the next ones count on')
    parser.add_argument('--rate', type=float, help='share of requests (tls) or connections (tcp) that are struck')
    parser.add_argument('--most', type=int, default=8, help='faults in one run')
    parser.add_argument('--until', type=int, default=20, help='seconds after which a run has no more faults')
    parser.add_argument('--stretch', type=int, default=1, help='multiplies the times of faults: outages that outlast the patience of the client')
    parser.add_argument('--jobs', type=int, default=4)
    parser.add_argument('--timeout', type=int, default=60, help="the clone's own, in seconds")
    parser.add_argument('--logs', help='a folder for the whole output of every run')
    parser.add_argument('--keep', action='store_true', help='leave the namespaces for the next time')
    return parser.parse_args()


def main():
    options = arguments()
    cluster = Cluster(os.environ['KUBECONFIG'])
    places = queue.Queue()
    lock, tally, violations = threading.Lock(), collections.Counter(), []

    def one(mode, seed):
        place = places.get()
        try:
            run = Run(place, options, mode, seed).go()
            with lock:
                tally[(mode, run.code)] += 1
                print(run.line(), flush=True)
                if run.problems:
                    violations.append((mode, seed, run.problems))
                    print(run.details(), flush=True)
            if options.logs:
                with open(f'{options.logs}/{mode}-{seed}.log', 'w') as log:
                    log.write(run.line() + '\n' + run.details())
            place.clean()
        finally:
            places.put(place)

    began = time.monotonic()
    if options.logs:
        os.makedirs(options.logs, exist_ok=True)
    made = [Place(cluster, f'faults-{i}') for i in range(options.jobs)]
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        list(pool.map(Place.prepare, made))
        for place in made:
            places.put(place)
        modes = ['tcp', 'tls'] if options.mode == 'both' else [options.mode]
        work = [pool.submit(one, mode, seed) for seed in range(options.seed, options.seed + options.runs) for mode in modes]
        for each in concurrent.futures.as_completed(work):
            if each.exception():
                violations.append(('', '', [repr(each.exception())]))
                print(f'!!! {each.exception()!r}', flush=True)
    if not options.keep:
        for place in made:
            cluster.delete('namespaces', '', place.ns)
    for mode, seed, problems in violations:
        print(f'{mode} --seed {seed}: {"; ".join(problems)}')
    print(', '.join(f'{mode} exit {code}: {count}' for (mode, code), count in sorted(tally.items(), key=str)))
    print(f'{sum(tally.values())} runs, {len(violations)} violations, {time.monotonic() - began:.0f} s')
    return 1 if violations else 0


if __name__ == '__main__':
    sys.exit(main())
