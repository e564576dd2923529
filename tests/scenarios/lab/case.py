"""One scenario while it runs: a namespace of its own, fixtures, the program under test, what stands in the end."""
import base64
import contextlib
import os
import re
import subprocess
import tempfile
import time

from lab import manifests
from lab.checks import Wrong, until
from lab.program import Child, Run
from lab.proxy import Proxy

#: What a clone makes, or could leave behind.
TRACES = ('virtualmachines', 'persistentvolumeclaims', 'virtualmachineclones', 'virtualmachinesnapshots', 'virtualmachinesnapshotcontents',
          'virtualmachinerestores', 'virtualmachineexports', 'volumesnapshots', 'volumesnapshotcontents', 'datavolumes')
#: What a clone makes for its own use only.
TEMPORARY = ('virtualmachineclones', 'virtualmachinerestores', 'virtualmachinesnapshots')


def namespace_for(name):
    words = re.sub('[^a-z0-9]+', '-', name.rpartition('.')[2].lower())[:36].strip('-')
    return f'scenario-{words}-{base64.b32encode(os.urandom(3)).decode().lower().strip("=")}'


class Case:
    def __init__(self, name, side, plugin, proxy_program):
        self.side, self.api, self.plugin, self.proxy_program = side, side.api, plugin, proxy_program
        self.ns, self.runs, self._ends = namespace_for(name), [], contextlib.ExitStack()
        self.failed = False

    def __enter__(self):
        self.create('namespaces', {'apiVersion': 'v1', 'kind': 'Namespace', 'metadata': {'name': self.ns}})
        self._ends.callback(self.api.delete, 'namespaces', '', self.ns)
        return self

    def __exit__(self, problem, *_):
        self.failed = problem is not None
        self._ends.close()

    def at_end(self, function, *words):
        """Is called when the scenario ends, however it does."""
        self._ends.callback(function, *words)

    # -- the program

    def environment(self, kubeconfig=None):
        kubeconfig = kubeconfig or self.side.kubeconfigs['admin']
        return {'PATH': self.plugin.path, 'HOME': self.plugin.home, 'KUBECONFIG': kubeconfig, 'LANG': 'C.UTF-8', 'TERM': 'xterm'}

    def start(self, *words, user='admin', terminal=None, kubectl=False, through=None):
        """`through`: a proxy. The flags of kubectl's plugins stand behind the command."""
        command = (['kubectl', 'wukong'] if kubectl else [self.plugin.binary]) + [words[0], '-n', self.ns, *words[1:]]
        kubeconfig = through.kubeconfig if through else self.side.kubeconfigs[user]
        child = Child(command, self.environment(kubeconfig), self.runs, terminal)
        self._ends.callback(child.discard)
        return child

    def clone(self, *words, seconds=120, **more):
        return self.start('clone', *words, **more).end(seconds)

    def wukong(self, *words, seconds=120, **more):
        return self.start(*words, **more).end(seconds)

    def shell(self, line, seconds=120):
        """A command that the program printed, as a person would paste it."""
        return self.run(['bash', '-c', line], seconds=seconds)

    def run(self, command, text='', seconds=120):
        """Another program, with `text` as its input."""
        started = time.monotonic()
        try:
            p = subprocess.run(command, env=self.environment(), input=text, capture_output=True, text=True, timeout=seconds)
        except subprocess.TimeoutExpired:
            raise Wrong(f'still runs after {seconds} s: {" ".join(command)}') from None
        self.runs.append(Run(' '.join(command), p.returncode, p.stdout, p.stderr, time.monotonic() - started))
        return self.runs[-1]

    def proxy(self, mode='tcp'):
        """The fault proxy, open. In mode `tls` it ends the connections, with a certificate of its own."""
        made = Proxy(self.proxy_program, self.side.kubeconfigs['admin'], mode)
        self._ends.callback(made.discard)
        return made

    def file(self, text):
        """The path of a file with this content."""
        made = self._ends.enter_context(tempfile.NamedTemporaryFile('w'))
        made.write(text)
        made.flush()
        return made.name

    # -- the API, in this namespace

    def create(self, resource, body):
        return self.api.create(resource, self.ns, body)

    def get(self, resource, name):
        return self.api.get(resource, self.ns, name)

    def names(self, resource):
        return self.api.names(resource, self.ns)

    def delete(self, resource, name):
        self.api.delete(resource, self.ns, name)

    # -- fixtures

    def make_vm(self, name, volumes, **more):
        return self.create('virtualmachines', manifests.vm(name, volumes, **more))

    def make_claim(self, name, mode='Filesystem', storage_class=None):
        return self.create('persistentvolumeclaims', manifests.claim(name, storage_class or self.side.plain_class, mode))

    def source(self, name='src', disks=None, storage_class=None, bound=True, **more):
        """A stopped VM with claims `<name>-<disk>`, filled if `bound`; `disks`: name -> Filesystem | Block, or a volume source."""
        volumes = {}
        for disk, what in ({'root': 'Filesystem'} if disks is None else disks).items():
            if isinstance(what, str):
                self.make_claim(f'{name}-{disk}', what, storage_class)
            volumes[disk] = manifests.on_claim(f'{name}-{disk}') if isinstance(what, str) else what
        self.make_vm(name, volumes, **more)
        if bound:
            self.until_bound(name)
            for claim in self.claims_of(name).values():
                self.side.fill(self.ns, claim)

    def vm(self, name):
        return self.get('virtualmachines', name)

    def claims_of(self, name):
        """disk name -> claim name"""
        volumes = self.vm(name)['spec']['template']['spec'].get('volumes', [])
        return {v['name']: v['persistentVolumeClaim']['claimName'] for v in volumes if 'persistentVolumeClaim' in v} | \
               {v['name']: v['dataVolume']['name'] for v in volumes if 'dataVolume' in v}

    def phase(self, claim):
        return (self.get('persistentvolumeclaims', claim) or {}).get('status', {}).get('phase')

    def bound(self, name):
        return all(self.phase(c) == 'Bound' for c in self.claims_of(name).values())

    def until_bound(self, name):
        """Claims Bound, and KubeVirt has said which disks can be snapshotted."""
        def ready():
            reported = {s['name']: s['enabled'] for s in (self.vm(name).get('status') or {}).get('volumeSnapshotStatuses') or []}
            return self.bound(name) and all(reported.get(disk) for disk in self.claims_of(name))
        until(f'{name} is ready to be cloned', ready)

    def until_reported(self, name):
        """KubeVirt has said of each disk whether it can be snapshotted."""
        until(f'KubeVirt has reported on {name}', lambda: (self.vm(name).get('status') or {}).get('volumeSnapshotStatuses'))

    def power(self, name, on):
        action = 'start' if on else 'stop'
        self.api.request('PUT', f'/apis/subresources.kubevirt.io/v1/namespaces/{self.ns}/virtualmachines/{name}/{action}', {})

        def stands():
            """The VM tells of its instance a moment later."""
            instance = self.get('virtualmachineinstances', name)
            told = self.vm(name).get('status', {}).get('created')
            return told and (instance or {}).get('status', {}).get('phase') == 'Running' if on else not told and not instance
        until(f'{name} {"runs" if on else "is off"}', stands)

    def storage_class(self, suffix='sc', snapshot=None, binding='Immediate', **parameters):
        """A class of its own; `snapshot`: parameters of its snapshots. Parameters: `delay` (seconds), `held` (see hurry), `fail` (words)."""
        name = f'{self.ns}-{suffix}'
        for resource, made in self.side.make_classes(name, binding, parameters, snapshot):
            self._ends.callback(self._delete_class, resource, made)
        return name

    def replace_class(self, name, given):
        """Other parameters; KubeVirt has missed the class meanwhile, and has seen it again."""
        self.side.replace_class(name, given)
        for vm in self.names('virtualmachines'):
            self.until_bound(vm)

    def hurry(self, suffix='slow', snapshots=False):
        """Volumes, or `snapshots`, of a class that are `held` are made now; where the side cannot do that, after their `delay`."""
        self.side.hurry('volumesnapshotclasses' if snapshots else 'storageclasses', f'{self.ns}-{suffix}')

    def _delete_class(self, resource, name):
        """virt-controller (1.8.4) dies when a class vanishes while a snapshot of its volumes begins: after a failure it stays."""
        if not self.failed:
            self.api.delete(resource, '', name)

    def bind(self, role, user='viewer'):
        """`role`: a ClusterRole, or Role/NAME."""
        kind, _, name = role.rpartition('/')
        self.create('rolebindings', {
            'apiVersion': 'rbac.authorization.k8s.io/v1', 'kind': 'RoleBinding', 'metadata': {'name': re.sub('[^a-z0-9]', '-', name) + '-' + user},
            'roleRef': {'apiGroup': 'rbac.authorization.k8s.io', 'kind': kind or 'ClusterRole', 'name': name},
            'subjects': [{'kind': 'User', 'name': user, 'apiGroup': 'rbac.authorization.k8s.io'}]})
        self.until_bound_to(kind, name, user, self.ns)

    def until_bound_to(self, kind, name, user, ns):
        """All rules of a Role, or of a ClusterRole, hold for a user."""
        found = self.api.get('roles', ns, name) if kind == 'Role' else self.api.get('clusterroles', '', name)
        for rule in found.get('rules') or []:
            if rule.get('resources') and not rule.get('resourceNames'):
                self.until_allowed(rule, user, ns)

    def role(self, name, rules, user='viewer'):
        """A Role, and its binding `<name>-<user>`."""
        self.create('roles', {'apiVersion': 'rbac.authorization.k8s.io/v1', 'kind': 'Role', 'metadata': {'name': name}, 'rules': rules})
        self.bind('Role/' + name, user)

    def until_allowed(self, rule, user, ns=''):
        """The API server decides from a cache, which lags behind where it has much to do."""
        resource, _, subresource = rule['resources'][-1].partition('/')
        asked = {'group': rule['apiGroups'][-1], 'resource': resource, 'subresource': subresource, 'verb': rule['verbs'][-1], 'namespace': ns}
        review = {'apiVersion': 'authorization.k8s.io/v1', 'kind': 'SubjectAccessReview', 'spec': {'user': user, 'resourceAttributes': asked}}
        until(f'{user} may {asked["verb"]} {resource}',
              lambda: self.api.request('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', review)['status']['allowed'])

    def cluster_role(self, rules, user):
        """For the time of this scenario."""
        api, name = 'rbac.authorization.k8s.io', f'{self.ns}-{user}'
        for kind, more in (('ClusterRole', {'rules': rules}),
                           ('ClusterRoleBinding', {'roleRef': {'apiGroup': api, 'kind': 'ClusterRole', 'name': name},
                                                   'subjects': [{'kind': 'User', 'name': user, 'apiGroup': api}]})):
            resource = kind.lower() + 's'
            self._ends.callback(self.api.delete, resource, '', name)
            self.api.create(resource, '', {'apiVersion': f'{api}/v1', 'kind': kind, 'metadata': {'name': name}, **more})
        self.until_bound_to('ClusterRole', name, user, '')

    def quota(self, **hard):
        """`count__virtualmachines_kubevirt_io` stands for `count/virtualmachines.kubevirt.io`."""
        self.create('resourcequotas', {'apiVersion': 'v1', 'kind': 'ResourceQuota', 'metadata': {'name': 'q'},
                                       'spec': {'hard': {k.replace('__', '/').replace('_', '.'): v for k, v in hard.items()}}})
        until('quota is counted', lambda: self.get('resourcequotas', 'q').get('status', {}).get('used'))

    # -- what stands

    def temporary(self):
        """What a clone makes for its own use only, and has not removed."""
        return [f'{r}/{n}' for r in TEMPORARY for n in self.names(r)]

    def traces(self):
        return {f'{r}/{n}' for r in TRACES for n in self.names(r)}

    def expect_gone_back_to(self, before, seconds=30):
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
        for name in self.names('virtualmachines'):
            status = self.vm(name).get('status', {})
            if status.get('snapshotInProgress') or status.get('restoreInProgress'):
                raise Wrong(f'{name} is still locked: {status}')

    def expect_only(self, before, *wanted, seconds=30):
        """Of the new objects, only virtual machines `wanted` and their claims are there."""
        fine = {f'virtualmachines/{w}' for w in wanted}
        for w in wanted:
            if not self.vm(w):
                raise Wrong(f'no VM {w}')
            fine |= {f'persistentvolumeclaims/{c}' for c in self.claims_of(w).values()}
        self.expect_gone_back_to(before | fine, seconds)

    def content(self, name):
        """disk name -> what its data is told by"""
        return {disk: self.side.content(self.ns, claim) for disk, claim in self.claims_of(name).items()}

    def expect_same_content(self, source, target):
        mine, theirs = self.claims_of(source), self.claims_of(target)
        if mine.keys() != theirs.keys():
            raise Wrong(f'disks differ: {mine} {theirs}')
        for disk in mine:
            if mine[disk] == theirs[disk]:
                raise Wrong(f'{disk}: one claim for both')
        if self.content(source) != self.content(target):
            raise Wrong(f'the data differs: {self.content(source)} {self.content(target)}')
