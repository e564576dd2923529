"""What the cases of tests/real have at hand: the API, fixtures, the program under test, a relay that can fail."""
import base64
import dataclasses
import hashlib
import http.client
import json
import os
import pty
import re
import select
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time

STATE = os.environ.get('CLUSTER_STATE', '/tmp/kubevirt-cluster')
SERVER = ('10.99.0.1', 6443)

GROUPS = {
    'persistentvolumeclaims': '/api/v1', 'persistentvolumes': '/api/v1', 'pods': '/api/v1', 'events': '/api/v1', 'namespaces': '/api/v1',
    'resourcequotas': '/api/v1', 'storageclasses': '/apis/storage.k8s.io/v1',
    'virtualmachines': '/apis/kubevirt.io/v1', 'virtualmachineinstances': '/apis/kubevirt.io/v1',
    'virtualmachineclones': '/apis/clone.kubevirt.io/v1beta1',
    'virtualmachinesnapshots': '/apis/snapshot.kubevirt.io/v1beta1', 'virtualmachinesnapshotcontents': '/apis/snapshot.kubevirt.io/v1beta1',
    'virtualmachinerestores': '/apis/snapshot.kubevirt.io/v1beta1',
    'volumesnapshots': '/apis/snapshot.storage.k8s.io/v1', 'volumesnapshotcontents': '/apis/snapshot.storage.k8s.io/v1',
    'volumesnapshotclasses': '/apis/snapshot.storage.k8s.io/v1',
    'datavolumes': '/apis/cdi.kubevirt.io/v1beta1', 'storageprofiles': '/apis/cdi.kubevirt.io/v1beta1',
    'roles': '/apis/rbac.authorization.k8s.io/v1', 'rolebindings': '/apis/rbac.authorization.k8s.io/v1',
}
WHOLE_CLUSTER = {'persistentvolumes', 'namespaces', 'storageclasses', 'volumesnapshotcontents', 'volumesnapshotclasses', 'storageprofiles'}
#: What a clone makes, or could leave behind.
TRACES = ('virtualmachines', 'persistentvolumeclaims', 'virtualmachineclones', 'virtualmachinesnapshots', 'virtualmachinesnapshotcontents',
          'virtualmachinerestores', 'volumesnapshots', 'datavolumes')


class Wrong(Exception):
    """The program did not do what the case expects."""


class NotFound(Exception):
    pass


# ---- the API, as administrator

_local = threading.local()


def _connection():
    if not getattr(_local, 'connection', None):
        context = ssl.create_default_context(cafile=f'{STATE}/pki/cluster.crt')
        context.load_cert_chain(f'{STATE}/pki/admin.crt', f'{STATE}/pki/admin.key')
        _local.connection = http.client.HTTPSConnection(*SERVER, context=context, timeout=30)
    return _local.connection


def request(method, path, body=None, content='application/json'):
    data = None if body is None else json.dumps(body)
    for attempt in range(3):
        try:
            connection = _connection()
            connection.request(method, path, data, {'Content-Type': content, 'Accept': '*/*'})
            answer = connection.getresponse()
            text = answer.read()
            break
        except (OSError, http.client.HTTPException):
            _local.connection = None
            if attempt == 2:
                raise
    parsed = json.loads(text) if text[:1] == b'{' else {}
    if answer.status == 404:
        raise NotFound(parsed.get('message', path))
    if answer.status >= 400:
        raise RuntimeError(f'{method} {path}: {answer.status} {parsed.get("message", text[:300])}')
    return parsed


def path_of(resource, ns='', name=''):
    scope = '' if resource in WHOLE_CLUSTER else f'/namespaces/{ns}'
    return f'{GROUPS[resource]}{scope}/{resource}' + (f'/{name}' if name else '')


def get(resource, ns, name):
    """The object, or None."""
    try:
        return request('GET', path_of(resource, ns, name))
    except NotFound:
        return None


def names(resource, ns):
    items = request('GET', path_of(resource, ns))['items']
    if resource == 'volumesnapshotcontents':
        items = [i for i in items if i['spec']['volumeSnapshotRef'].get('namespace') == ns]
    return sorted(i['metadata']['name'] for i in items)


def create(resource, ns, body):
    return request('POST', path_of(resource, ns), body)


def delete(resource, ns, name):
    try:
        request('DELETE', path_of(resource, ns, name))
    except NotFound:
        pass


def patch(resource, ns, name, body):
    return request('PATCH', path_of(resource, ns, name), body, 'application/merge-patch+json')


def until(what, check, seconds=30):
    """Polls; returns what `check` returned."""
    end = time.monotonic() + seconds
    while True:
        found = check()
        if found:
            return found
        if time.monotonic() > end:
            raise Wrong(f'not within {seconds} s: {what}')
        time.sleep(0.1)


# ---- one run of the program

@dataclasses.dataclass
class Run:
    command: str
    code: int
    out: str
    err: str
    seconds: float

    def __str__(self):
        def indented(text):
            return ''.join(f'      | {line}\n' for line in text.splitlines())
        return f'    $ {self.command}\n    exit {self.code} after {self.seconds:.1f} s\n    stdout\n{indented(self.out)}    stderr\n{indented(self.err)}'

    def expect(self, code, *words, no=(), within=None):
        """Exit code, regular expressions in what it printed (both streams), and those that must not be there."""
        everything = self.out + self.err
        if self.code != code:
            raise Wrong(f'exit {self.code}, not {code}\n{self}')
        for word in words:
            if not re.search(word, everything):
                raise Wrong(f'does not say {word!r}\n{self}')
        for word in no:
            if re.search(word, everything):
                raise Wrong(f'must not say {word!r}\n{self}')
        if within is not None and self.seconds > within:
            raise Wrong(f'took more than {within} s\n{self}')
        if re.search(r'internal:|terminate called|AddressSanitizer|runtime error', self.err):
            raise Wrong(f'looks like a bug\n{self}')
        return self


class Child:
    """The program while it runs; its output is collected."""

    def __init__(self, command, env, terminal=None):
        self.command, self.started, self.parts, self.runs = command, time.monotonic(), {'out': b'', 'err': b''}, []
        self.terminal = None
        if terminal:
            columns, lines = terminal
            self.terminal, inner = pty.openpty()
            subprocess.run(['stty', 'cols', str(columns), 'rows', str(lines)], stdin=inner, check=True)
            # A session of its own, so that the terminal's Ctrl-C reaches the child and nobody else.
            self.process = subprocess.Popen(command, env=env, stdin=inner, stdout=inner, stderr=inner, close_fds=True,
                                            preexec_fn=lambda: (os.setsid(), __import__('fcntl').ioctl(0, 0x540E, 0)))
            os.close(inner)
            streams = {'err': self.terminal}
        else:
            self.process = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            streams = {'out': self.process.stdout.fileno(), 'err': self.process.stderr.fileno()}
        self.threads = [threading.Thread(target=self._read, args=s, daemon=True) for s in streams.items()]
        for t in self.threads:
            t.start()

    def _read(self, kind, fd):
        while True:
            try:
                data = os.read(fd, 65536)
            except OSError:  # a terminal that nobody holds any more
                return
            if not data:
                return
            self.parts[kind] += data

    def text(self):
        return (self.parts['out'] + self.parts['err']).decode(errors='replace')

    def until_says(self, word, seconds=30):
        until(f'{" ".join(self.command)} says {word!r}; said\n{self.text()}', lambda: re.search(word, self.text()) or (self.process.poll() is not None and 'ended'), seconds)
        if not re.search(word, self.text()):
            raise Wrong(f'ended without saying {word!r}\n{self.end()}')
        return self

    def press_ctrl_c(self):
        os.write(self.terminal, b'\x03')

    def kill(self, number):
        self.process.send_signal(number)

    def end(self, seconds=60):
        try:
            self.process.wait(max(0.1, seconds - (time.monotonic() - self.started)))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise Wrong(f'still runs after {seconds} s: {" ".join(self.command)}\n{self.text()}') from None
        took = time.monotonic() - self.started
        for t in self.threads:
            t.join(2)
        run = Run(' '.join(self.command), self.process.returncode, self.parts['out'].decode(errors='replace'),
                  self.parts['err'].decode(errors='replace'), took)
        self.runs.append(run)
        return run


# ---- a relay to the API server that can fail

class Relay:
    """Listens on 127.0.0.1 and passes bytes on. cut(): connections are closed and refused. hang(): they stay, but no byte moves."""

    def __init__(self, start='open'):
        self.mode, self.pairs, self.lock = start, [], threading.Lock()
        probe = socket.socket()
        probe.bind(('127.0.0.1', 0))
        self.port = probe.getsockname()[1]
        probe.close()
        self.listener = None
        if start != 'cut':
            self._listen()

    @property
    def flags(self):
        return ['--server', f'https://127.0.0.1:{self.port}', '--tls-server-name', '10.99.0.1']

    def _listen(self):
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(('127.0.0.1', self.port))
        self.listener.listen(64)
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def _accept(self, listener):
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._connect, args=(near,), daemon=True).start()

    def _connect(self, near):
        with self.lock:
            self.pairs.append(near)
        if not self._wait_open():
            return
        try:
            far = socket.create_connection(SERVER)
        except OSError:
            near.close()
            return
        with self.lock:
            self.pairs.append(far)
        for a, b in ((near, far), (far, near)):
            threading.Thread(target=self._pump, args=(a, b), daemon=True).start()

    def _wait_open(self):
        while self.mode == 'hang':
            time.sleep(0.05)
        return self.mode == 'open'

    def _pump(self, a, b):
        try:
            while self._wait_open():
                if not select.select([a], [], [], 0.1)[0]:
                    continue
                data = a.recv(65536)
                if not data:
                    break
                if not self._wait_open():
                    break
                b.sendall(data)
        except (OSError, ValueError):
            pass
        for s in (a, b):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def cut(self):
        self.mode = 'cut'
        if self.listener:
            try:
                self.listener.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            self.listener.close()
        with self.lock:
            for s in self.pairs:
                try:
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b'\x01\0\0\0\0\0\0\0')
                    s.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
            self.pairs.clear()

    def hang(self):
        self.mode = 'hang'

    def open(self):
        was, self.mode = self.mode, 'open'
        if was == 'cut':
            self._listen()


# ---- manifests

def claim(name, mode='Filesystem', storage_class='dir', size='8Mi'):
    return {'apiVersion': 'v1', 'kind': 'PersistentVolumeClaim', 'metadata': {'name': name},
            'spec': {'accessModes': ['ReadWriteOnce'], 'volumeMode': mode, 'storageClassName': storage_class,
                     'resources': {'requests': {'storage': size}}}}


def vm(name, volumes, labels=None, annotations=None, template_labels=None):
    """`volumes`: name -> volume source."""
    disks = [{'name': n, 'disk': {'bus': 'virtio'}} for n in volumes]
    return {'apiVersion': 'kubevirt.io/v1', 'kind': 'VirtualMachine',
            'metadata': {'name': name, 'labels': labels or {}, 'annotations': annotations or {}},
            'spec': {'runStrategy': 'Halted', 'template': {
                'metadata': {'labels': template_labels or {}},
                'spec': {'terminationGracePeriodSeconds': 0, 'architecture': 'amd64',
                         'domain': {'devices': {'disks': disks, 'interfaces': [{'name': 'default', 'masquerade': {}, 'macAddress': '02:00:00:00:00:01'}]},
                                    'firmware': {'uuid': '5d307ca9-b3ef-428c-8861-06e72d69f223', 'serial': 'source-serial'},
                                    'resources': {'requests': {'memory': '64Mi'}}},
                         'networks': [{'name': 'default', 'pod': {}}],
                         'volumes': [{'name': n, **source} for n, source in volumes.items()]}}}}


def on_claim(name):
    return {'persistentVolumeClaim': {'claimName': name}}


CLOUD_INIT = {'cloudInitNoCloud': {'userData': '#cloud-config\nhostname: source\n'}}
CONTAINER_DISK = {'containerDisk': {'image': 'registry.test/fedora:41'}}


# ---- bytes

def volume_path(ns, claim_name):
    pv = get('persistentvolumes', '', get('persistentvolumeclaims', ns, claim_name)['spec']['volumeName'])
    path = f'{STATE}/storage/volumes/{pv["spec"]["csi"]["volumeHandle"]}'
    return f'{path}/disk.img' if os.path.isdir(path) else path


def write_random(ns, claim_name, count=1 << 20):
    path = volume_path(ns, claim_name)
    with open(path, 'r+b' if os.path.exists(path) else 'wb') as f:
        f.write(os.urandom(count))
    return digest(ns, claim_name)


def digest(ns, claim_name):
    with open(volume_path(ns, claim_name), 'rb') as f:
        return hashlib.file_digest(f, 'sha256').hexdigest()


# ---- a case's own namespace

class Lab:
    """One case: namespace, classes of its own, fixtures, the program."""

    def __init__(self, name, binary, path):
        self.name, self.binary, self.path = name, binary, path
        self.ns = 'real-' + re.sub('[^a-z0-9]+', '-', name.lower())[:40].strip('-') + '-' + base64.b32encode(os.urandom(3)).decode().lower().strip('=')
        self.classes, self.children, self.relays, self.runs = [], [], [], []

    def __enter__(self):
        create('namespaces', '', {'apiVersion': 'v1', 'kind': 'Namespace', 'metadata': {'name': self.ns}})
        return self

    def __exit__(self, *_):
        for child in self.children:
            if child.process.poll() is None:
                child.process.kill()
        for relay in self.relays:
            relay.cut()
        for resource, name in self.classes:
            delete(resource, '', name)
        delete('namespaces', '', self.ns)

    # -- the program

    def environment(self, user='admin', **more):
        env = {'PATH': self.path, 'HOME': os.environ.get('HOME', '/root'), 'KUBECONFIG': f'{STATE}/{user}.kubeconfig', 'LANG': 'C.UTF-8', 'TERM': 'xterm'}
        return env | more

    def start(self, *words, user='admin', terminal=None, kubectl=False, env=None):
        command = (['kubectl', 'wukong'] if kubectl else [self.binary]) + [words[0], '-n', self.ns, *words[1:]]
        child = Child(command, self.environment(user, **(env or {})), terminal)
        self.children.append(child)
        child.runs = self.runs
        return child

    def wukong(self, *words, seconds=60, **more):
        return self.start(*words, **more).end(seconds)

    def clone(self, *words, **more):
        return self.wukong('clone', *words, **more)

    def shell(self, line, seconds=60):
        """A command that the program printed, as a person would paste it."""
        started = time.monotonic()
        try:
            p = subprocess.run(['bash', '-c', line], env=self.environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds)
        except subprocess.TimeoutExpired:
            raise Wrong(f'still runs after {seconds} s: {line}') from None
        self.runs.append(Run(line, p.returncode, p.stdout, p.stderr, time.monotonic() - started))
        return self.runs[-1]

    def relay(self, start='open'):
        self.relays.append(Relay(start))
        return self.relays[-1]

    # -- fixtures

    def source(self, name='src', disks=None, storage_class='dir', bound=True, **more):
        """A stopped VM with claims `<name>-<disk>`; `disks`: name -> Filesystem | Block, or a volume source."""
        volumes = {}
        for disk, what in ({'root': 'Filesystem'} if disks is None else disks).items():
            if isinstance(what, str):
                create('persistentvolumeclaims', self.ns, claim(f'{name}-{disk}', what, storage_class))
                volumes[disk] = on_claim(f'{name}-{disk}')
            else:
                volumes[disk] = what
        create('virtualmachines', self.ns, vm(name, volumes, **more))
        if bound:
            self.until_bound(name)
            for c in self.claims_of(name).values():
                write_random(self.ns, c)
        return name

    def vm(self, name):
        return get('virtualmachines', self.ns, name)

    def claims_of(self, name):
        """disk name -> claim name"""
        volumes = self.vm(name)['spec']['template']['spec'].get('volumes', [])
        return {v['name']: v['persistentVolumeClaim']['claimName'] for v in volumes if 'persistentVolumeClaim' in v} | \
               {v['name']: v['dataVolume']['name'] for v in volumes if 'dataVolume' in v}

    def phase(self, claim_name):
        return (get('persistentvolumeclaims', self.ns, claim_name) or {}).get('status', {}).get('phase')

    def bound(self, name):
        return all(self.phase(c) == 'Bound' for c in self.claims_of(name).values())

    def until_bound(self, name):
        """Claims Bound, and KubeVirt has said which disks can be snapshotted."""
        def ready():
            reported = {s['name']: s['enabled'] for s in (self.vm(name).get('status') or {}).get('volumeSnapshotStatuses') or []}
            return self.bound(name) and all(reported.get(disk) for disk in self.claims_of(name))
        until(f'{name} is ready to be cloned', ready)

    def power(self, name, on):
        request('PUT', f'/apis/subresources.kubevirt.io/v1/namespaces/{self.ns}/virtualmachines/{name}/{"start" if on else "stop"}', {})
        if on:
            until(f'{name} runs', lambda: (get('virtualmachineinstances', self.ns, name) or {}).get('status', {}).get('phase') == 'Running', 60)
        else:
            until(f'{name} is off', lambda: not get('virtualmachineinstances', self.ns, name), 60)

    def storage_class(self, suffix='sc', snapshot=None, binding='Immediate', **parameters):
        """A class of its own; `snapshot`: parameters of a VolumeSnapshotClass that only this one uses."""
        name = f'{self.ns}-{suffix}'
        if snapshot is not None:
            create('volumesnapshotclasses', '', {'apiVersion': 'snapshot.storage.k8s.io/v1', 'kind': 'VolumeSnapshotClass', 'metadata': {'name': name},
                                                 'driver': 'dir.csi.local', 'deletionPolicy': 'Delete', 'parameters': snapshot})
            self.classes.append(('volumesnapshotclasses', name))
        self.classes.append(('storageclasses', name))
        self.make_class(name, binding, parameters)
        until(f'profile of {name}', lambda: get('storageprofiles', '', name))
        if snapshot is not None:
            patch('storageprofiles', '', name, {'spec': {'snapshotClass': name}})
        until(f'profile of {name}', lambda: (get('storageprofiles', '', name) or {}).get('status', {}).get('snapshotClass') == (name if snapshot is not None else 'dir'))
        return name

    def make_class(self, name, binding='Immediate', parameters=None):
        create('storageclasses', '', {'apiVersion': 'storage.k8s.io/v1', 'kind': 'StorageClass', 'metadata': {'name': name},
                                      'provisioner': 'dir.csi.local', 'volumeBindingMode': binding, 'parameters': parameters or {}})

    def replace_class(self, name, **parameters):
        """The same name with other parameters, which cannot be changed in place."""
        delete('storageclasses', '', name)
        self.make_class(name, parameters=parameters)

    def bind(self, *roles, user='viewer'):
        for role in roles:
            kind, _, name = role.rpartition('/')
            create('rolebindings', self.ns, {
                'apiVersion': 'rbac.authorization.k8s.io/v1', 'kind': 'RoleBinding', 'metadata': {'name': re.sub('[^a-z0-9]', '-', name) + '-' + user},
                'roleRef': {'apiGroup': 'rbac.authorization.k8s.io', 'kind': kind or 'ClusterRole', 'name': name},
                'subjects': [{'kind': 'User', 'name': user, 'apiGroup': 'rbac.authorization.k8s.io'}]})

    def role(self, name, rules_text):
        """A Role from lines as the program prints them: `- {apiGroups: [...], ...}`."""
        rules = []
        for line in rules_text:
            fields = dict(re.findall(r'(\w+): \[([^\]]*)\]', line))
            rules.append({k: [w.strip().strip('"') for w in v.split(',')] for k, v in fields.items()})
        body = {'apiVersion': 'rbac.authorization.k8s.io/v1', 'kind': 'Role', 'metadata': {'name': name}, 'rules': rules}
        create('roles', self.ns, body)
        self.bind('Role/' + name)

    def quota(self, **hard):
        create('resourcequotas', self.ns, {'apiVersion': 'v1', 'kind': 'ResourceQuota', 'metadata': {'name': 'q'},
                                           'spec': {'hard': {k.replace('__', '/').replace('_', '.'): v for k, v in hard.items()}}})
        until('quota is counted', lambda: get('resourcequotas', self.ns, 'q').get('status', {}).get('used'))

    # -- what stands

    def traces(self):
        return {f'{r}/{n}' for r in TRACES for n in names(r, self.ns)} | {f'volumesnapshotcontents/{n}' for n in names('volumesnapshotcontents', self.ns)}

    def expect_gone_back_to(self, before, seconds=12):
        """Nothing is left of what a run has made, and the source is not locked."""
        left = set()

        def same():
            left.clear()
            left.update(self.traces() - before)
            return not left
        try:
            until('nothing is left', same, seconds)
        except Wrong:
            raise Wrong(f'left behind: {", ".join(sorted(left))}') from None
        for name in names('virtualmachines', self.ns):
            status = self.vm(name).get('status', {})
            if status.get('snapshotInProgress') or status.get('restoreInProgress'):
                raise Wrong(f'{name} is still locked: {status}')

    def expect_only(self, before, *wanted, seconds=12):
        """Of the new objects, only virtual machines `wanted` and their claims are there."""
        fine = set(wanted and [f'virtualmachines/{w}' for w in wanted])
        for w in wanted:
            if not self.vm(w):
                raise Wrong(f'no VM {w}')
            fine |= {f'persistentvolumeclaims/{c}' for c in self.claims_of(w).values()}
        self.expect_gone_back_to(before | fine, seconds)

    def expect_same_bytes(self, source, target):
        mine, theirs = self.claims_of(source), self.claims_of(target)
        if mine.keys() != theirs.keys():
            raise Wrong(f'disks differ: {mine} {theirs}')
        for disk in mine:
            if mine[disk] == theirs[disk]:
                raise Wrong(f'{disk}: one claim for both')
            if digest(self.ns, mine[disk]) != digest(self.ns, theirs[disk]):
                raise Wrong(f'{disk}: bytes differ')


def release_hanging_namespaces():
    """Snapshots that were deleted too early keep a namespace until the snapshot controller looks again, after up to 15 minutes: a write wakes it."""
    note = {'metadata': {'annotations': {'kubectl-wukong.test/touched': 'yes'}}}
    for item in request('GET', path_of('namespaces'))['items']:
        ns = item['metadata']['name']
        if not ns.startswith('real-') or item['status']['phase'] != 'Terminating':
            continue
        for resource in ('volumesnapshots', 'volumesnapshotcontents'):
            for name in names(resource, ns):
                try:
                    patch(resource, ns, name, note)
                except NotFound:
                    pass


def printed(run, label):
    """The command behind `label` in what was printed."""
    found = re.search(re.escape(label) + r':?\s+(kubectl .*)', run.out + run.err)
    if not found:
        raise Wrong(f'no command behind {label!r}\n{run}')
    return found.group(1).strip()


def plugin_path(binary):
    """A PATH on which kubectl finds the program and its completion helper."""
    folder = tempfile.mkdtemp(prefix='wukong-path-')
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    os.symlink(os.path.abspath(binary), f'{folder}/kubectl-wukong')
    os.symlink(f'{root}/completions/kubectl_complete-wukong', f'{folder}/kubectl_complete-wukong')
    return folder, f'{folder}:{os.environ["PATH"]}'


def discard(folder):
    shutil.rmtree(folder, ignore_errors=True)
