#!/usr/bin/python3
"""How we compare with kubectl, virtctl and bare libcurl on the real control plane of tests/cluster: one table.

    tests/bench/run.py --wukong PATH --engine PATH --floor PATH --timed PATH [--rounds N] [--only PART]

`cmake --build build/release --target bench` calls it. The cluster of $CLUSTER_STATE is used when it is up; else one is started and
ended. In a round everybody does the same work one after the other, and each round has another first; a ratio is the median of the
ratios within rounds, so that a machine that is busy by turns wrongs nobody. Times depend on the machine, ratios hardly.
"""
import argparse
import collections
import http.client
import json
import os
import pathlib
import re
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import time

CLUSTER = pathlib.Path(__file__).resolve().parent.parent / 'cluster' / 'cluster'
SERVER = 'https://10.99.0.1:6443'
VMS = '/apis/kubevirt.io/v1/namespaces/{}/virtualmachines'
CLAIMS = '/api/v1/namespaces/{}/persistentvolumeclaims'
SNAPSHOTS = '/apis/snapshot.storage.k8s.io/v1/namespaces/{}/volumesnapshots'
OURS = 'ours'


# ---- the API, past everybody

class Cluster:
    def __init__(self):
        self.pki = f'{os.environ["CLUSTER_STATE"]}/pki'
        self.context = ssl.create_default_context(cafile=f'{self.pki}/cluster.crt')
        self.context.load_cert_chain(f'{self.pki}/admin.crt', f'{self.pki}/admin.key')
        self.connection = self.connect()

    def connect(self):
        return http.client.HTTPSConnection(SERVER.removeprefix('https://'), context=self.context, timeout=60)

    def request(self, method, path, body=None):
        try:
            self.connection.request(method, path, body and json.dumps(body), {'Content-Type': 'application/json'})
            answer = self.connection.getresponse()
        except http.client.RemoteDisconnected:  # the server closes what was idle for minutes
            self.connection = self.connect()
            return self.request(method, path, body)
        text = answer.read()
        if answer.status >= 400:
            raise RuntimeError(f'{method} {path}: {answer.status} {text[:300]}')
        return json.loads(text)

    def names(self, path):
        return [item['metadata']['name'] for item in self.request('GET', path)['items']]

    def empty(self, path, kept=()):
        """Deletes what is there, but for the names in `kept`, and waits until it is gone."""
        if not kept:
            self.request('DELETE', path)
        for name in set(self.names(path)) - set(kept):
            if kept:
                self.request('DELETE', f'{path}/{name}')
        while set(self.names(path)) - set(kept):
            time.sleep(0.3)

    def until(self, path, ready):
        """Waits until `ready` is content with the object; fields that are not there yet are no error."""
        for _ in range(600):
            try:
                if ready(self.request('GET', path)):
                    return
            except KeyError:
                pass
            time.sleep(0.1)
        raise RuntimeError(f'{path} does not become ready')

    def last_bound(self, path, count):
        """A thread that follows the claims; its `at` is when the last of `count` was seen Bound."""
        version = self.request('GET', path)['metadata']['resourceVersion']
        connection = self.connect()
        connection.request('GET', f'{path}?watch=true&resourceVersion={version}')
        answer = connection.getresponse()

        def follow():
            bound = set()
            while len(bound) < count:
                claim = json.loads(answer.readline())['object']
                if claim.get('status', {}).get('phase') == 'Bound':
                    bound.add(claim['metadata']['name'])
            follower.at = time.monotonic()
            connection.close()
        follower = threading.Thread(target=follow, daemon=True)
        follower.start()
        return follower


# ---- what is measured

class Bench:
    def __init__(self, options, cluster, folder):
        self.options, self.cluster, self.folder = options, cluster, folder
        self.taken = collections.defaultdict(lambda: collections.defaultdict(list))  # measurement: who: one figure per round
        self.ns = 'bench'

    def timed(self, command):
        """What it cost; its output is checked by its exit code alone."""
        done = subprocess.run([self.options.timed, *command], capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if done.returncode != 0:
            raise RuntimeError(f'{" ".join(command)}: exit {done.returncode}\n{done.stdout}{done.stderr}')
        return json.loads(done.stderr.splitlines()[-1]) | {'out': done.stdout, 'err': done.stderr}

    def take(self, what, who, figure):
        self.taken[what][who].append(figure)

    def rounds(self, count, contestants, measure):
        for number in range(count):
            turn = number % len(contestants)
            for who, command in contestants[turn:] + contestants[:turn]:
                measure(who, command)

    def start_up(self):
        contestants = [(OURS, [self.options.wukong, 'version', '--client']), ('kubectl', ['kubectl', 'version', '--client']),
                       ('virtctl', ['virtctl', 'version', '--client'])]

        def measure(who, command):
            cost = self.timed(command)
            self.take('start-up: CPU, ms', who, cost['cpu'] * 1e3)
            self.take('start-up: wall, ms', who, (cost['ended'] - cost['began']) * 1e3)
            self.take('start-up: memory, MiB', who, cost['rss'] / 1024)
        self.rounds(self.options.rounds * 5, contestants, measure)

    def complete(self):
        """The names of 50 VMs, as a shell asks for them at each TAB."""
        names = [f'bench-{i}' for i in range(50)]
        for name in names:
            self.cluster.request('POST', VMS.format(self.ns), vm(self.ns, name))
        contestants = [(OURS, [self.options.wukong, '__complete', 'clone', '-n', self.ns, 'bench-']),
                       ('kubectl', ['kubectl', '__complete', 'get', 'vm', '-n', self.ns, 'bench-'])]

        def measure(who, command):
            cost = self.timed(command)
            if cost['out'].count('bench-') < len(names):
                raise RuntimeError(f'{who} does not name all VMs')
            self.take('complete 50 names: wall, ms', who, (cost['ended'] - cost['began']) * 1e3)
            self.take('complete 50 names: CPU, ms', who, cost['cpu'] * 1e3)
        self.rounds(self.options.rounds * 5, contestants, measure)
        self.cluster.empty(VMS.format(self.ns))

    def create(self):
        path, file = VMS.format(self.ns), f'{self.folder}/vms'
        names = [f'bench-{i}' for i in range(200)]
        with open(file, 'w') as out:
            for name in names:
                out.write(json.dumps(vm(self.ns, name)) + '\n')
        floor = [self.options.floor, SERVER, *(f'{self.cluster.pki}/{n}' for n in ('cluster.crt', 'admin.crt', 'admin.key')), path, file]
        contestants = [(OURS, [self.options.engine, 'create', self.ns, file]), ('libcurl', floor), ('kubectl', ['kubectl', 'create', '-f', file])]

        def measure(who, command):
            cost = self.timed(command)
            if sorted(self.cluster.names(path)) != sorted(names):
                raise RuntimeError(f'{who} did not make all VMs')
            wall = cost['ended'] - cost['began']
            self.take('create 200 VMs: wall, s', who, wall)
            self.take('create 200 VMs: CPU, s', who, cost['cpu'])
            self.take('create 200 VMs: memory, MiB', who, cost['rss'] / 1024)
            self.take('create 200 VMs: VMs per s', who, len(names) / wall)
            self.cluster.empty(path)
        self.rounds(self.options.rounds, contestants, measure)

    def wait(self):
        path, file = CLAIMS.format(self.ns), f'{self.folder}/claims'
        names = [f'bench-{i}' for i in range(100)]
        pathlib.Path(file).write_text('\n'.join(names) + '\n')
        ours = [self.options.engine, 'wait', self.ns, file]
        kubectl = ['kubectl', 'wait', '-n', self.ns, '--for=jsonpath={.status.phase}=Bound', '--timeout=120s']
        kubectl += [f'pvc/{name}' for name in names]

        def begin():
            follower = self.cluster.last_bound(path, len(names))
            for name in names:
                self.cluster.request('POST', path, claim(name))
            return follower

        def measure(who, command):
            follower = begin()
            cost = self.timed(command)
            follower.join()
            self.take('wait for 100 claims: s after the last', who, max(0, cost['ended'] - follower.at))
            self.take('wait for 100 claims: CPU, s', who, cost['cpu'])
            self.take('wait for 100 claims: memory, MiB', who, cost['rss'] / 1024)
            self.cluster.empty(path)
        self.rounds(self.options.rounds, [(OURS, ours), ('kubectl', kubectl)], measure)

        def count(who, command):
            begin()
            self.take('wait for 100 claims: requests', who, requests(self.timed(command)))
            self.cluster.empty(path)
        self.rounds(1, [(OURS, [*ours, 'count']), ('kubectl', [*kubectl, '-v=6'])], count)

    def clone(self):
        """Thirty VMs from one. kubectl has it easier: it is given all manifests, and the snapshot is taken already."""
        vms, claims = VMS.format(self.ns), CLAIMS.format(self.ns)
        self.cluster.request('POST', claims, claim('src-root'))
        self.cluster.request('POST', vms, vm(self.ns, 'src'))
        self.cluster.request('POST', SNAPSHOTS.format(self.ns), {
            'apiVersion': 'snapshot.storage.k8s.io/v1', 'kind': 'VolumeSnapshot', 'metadata': {'name': 'taken'},
            'spec': {'source': {'persistentVolumeClaimName': 'src-root'}}})
        self.cluster.until(SNAPSHOTS.format(self.ns) + '/taken', lambda s: s['status']['readyToUse'])
        self.cluster.until(vms + '/src', lambda v: all(s['enabled'] for s in v['status']['volumeSnapshotStatuses']))
        names = [f'web-{i:02}' for i in range(1, 31)]

        def manifests(name, objects):
            path = f'{self.folder}/{name}'
            pathlib.Path(path).write_text('\n'.join(map(json.dumps, objects)))
            return path

        def then_wait(file, condition, kind, what):
            return ['sh', '-ec', f'kubectl create -n {self.ns} -f {file} && kubectl wait -n {self.ns} --timeout=10m --for={condition} '
                    + ' '.join(f'{kind}/{name}' for name in what)]
        source = {'apiGroup': 'snapshot.storage.k8s.io', 'kind': 'VolumeSnapshot', 'name': 'taken'}
        made = [claim(f'{name}-root') for name in names]
        for each in made:
            each['spec']['dataSource'] = source
        ready_made = manifests('ready-made', [*made, *(vm(self.ns, name) for name in names)])
        clones = manifests('clones', [{'apiVersion': 'clone.kubevirt.io/v1beta1', 'kind': 'VirtualMachineClone', 'metadata': {'name': name},
                                       'spec': {'source': {'apiGroup': 'kubevirt.io', 'kind': 'VirtualMachine', 'name': 'src'},
                                                'target': {'apiGroup': 'kubevirt.io', 'kind': 'VirtualMachine', 'name': name}}} for name in names])
        bound = then_wait(ready_made, 'jsonpath={.status.phase}=Bound', 'pvc', [f'{name}-root' for name in names])
        ours = [self.options.wukong, 'clone', '-n', self.ns, 'src', 'web-##', '--count', '30', '--wait', '--progress', 'none']

        def measure(who, command):
            cost = self.timed(command)
            there = set(self.cluster.names(vms))
            if not there.issuperset(names):
                raise RuntimeError(f'{who} did not make all VMs')
            self.take('clone a VM 30 times: wall, s', who, cost['ended'] - cost['began'])
            self.take('clone a VM 30 times: CPU, s', who, cost['cpu'])
            for path, kept in ((f'/apis/clone.kubevirt.io/v1beta1/namespaces/{self.ns}/virtualmachineclones', []), (vms, ['src']), (claims, ['src-root'])):
                self.cluster.empty(path, kept)
        self.rounds(self.options.rounds, [(OURS, ours), ('kubectl', bound)], measure)
        measure('30 clones', then_wait(clones, 'condition=Ready', 'virtualmachineclone', names))
        self.cluster.empty(SNAPSHOTS.format(self.ns))

    def run(self):
        parts = {'start-up': self.start_up, 'complete': self.complete, 'create': self.create, 'wait': self.wait, 'clone': self.clone}
        self.cluster.request('POST', '/api/v1/namespaces', {'metadata': {'name': self.ns}})
        try:
            for name, part in parts.items():
                if self.options.only in (None, name):
                    print(f'{name} ...', file=sys.stderr)
                    part()
        finally:
            self.cluster.request('DELETE', f'/api/v1/namespaces/{self.ns}')

    def table(self):
        rows = [('', OURS, 'other', '', 'ours/other', 'rounds')]
        for what, by_whom in self.taken.items():
            ours = by_whom[OURS]
            for who, figures in by_whom.items():
                if who == OURS:
                    continue
                ratios = [a / b for a, b in zip(ours, figures) if b > 0]
                rows.append((what, digits(statistics.median(ours)), digits(statistics.median(figures)), who,
                             digits(statistics.median(ratios)) if ratios else '-', str(len(figures))))
        widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
        return '\n'.join('  '.join(cell.ljust(width) if i in (0, 3) else cell.rjust(width)
                                   for i, (cell, width) in enumerate(zip(row, widths))) for row in rows)


def requests(cost):
    """Ours tells them itself, kubectl by -v=6."""
    told = re.search(r'^(\d+) requests$', cost['out'], re.M)
    return int(told.group(1)) if told else len(re.findall(r'"Response" verb=', cost['err']))


def digits(figure):
    return f'{figure:.0f}' if figure >= 100 else f'{figure:.3g}'


def vm(ns, name):
    return {'apiVersion': 'kubevirt.io/v1', 'kind': 'VirtualMachine', 'metadata': {'name': name, 'namespace': ns},
            'spec': {'runStrategy': 'Halted', 'template': {'spec': {
                'domain': {'devices': {'disks': [{'name': 'root', 'disk': {'bus': 'virtio'}}]}, 'resources': {'requests': {'memory': '64Mi'}}},
                'volumes': [{'name': 'root', 'persistentVolumeClaim': {'claimName': f'{name}-root'}}]}}}}


def claim(name):
    return {'apiVersion': 'v1', 'kind': 'PersistentVolumeClaim', 'metadata': {'name': name},
            'spec': {'accessModes': ['ReadWriteOnce'], 'storageClassName': 'dir', 'resources': {'requests': {'storage': '1Mi'}}}}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for program in ('wukong', 'engine', 'floor', 'timed'):
        parser.add_argument(f'--{program}', required=True, type=os.path.abspath)
    parser.add_argument('--rounds', type=int, default=7, help='five times as many for start-up and completion')
    parser.add_argument('--only', choices=['start-up', 'complete', 'create', 'wait', 'clone'])
    parser.add_argument('--inside', action='store_true', help=argparse.SUPPRESS)
    return parser.parse_args()


def outside():
    """Brings a cluster, and does the rest inside of it."""
    def cluster(*words, **more):
        return subprocess.run([CLUSTER, *words], check=False, **more).returncode
    began = cluster('status', stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) != 0
    if began and cluster('up') != 0:
        return 1
    try:
        return cluster('exec', sys.executable, '-B', *sys.argv, '--inside')
    finally:
        if began:
            cluster('down')


def main():
    options = arguments()
    if not options.inside:
        return outside()
    with tempfile.TemporaryDirectory(prefix='wukong-bench-') as folder:
        bench = Bench(options, Cluster(), folder)
        load = os.getloadavg()[0]
        bench.run()
    print(bench.table())
    print(f'medians; {os.cpu_count()} processors, load {load:.1f} before and {os.getloadavg()[0]:.1f} after')
    return 0


if __name__ == '__main__':
    sys.exit(main())
