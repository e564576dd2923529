"""The two sides on which scenarios run: the real control plane of tests/cluster, and the simulated one of sandbox/.

A side tells what scenarios cannot know: where the API and the users' kubeconfigs are, which storage there is, how to fill a disk and
to tell its content, and what it lacks."""
import hashlib
import os
import shutil
import subprocess
import tempfile
import time

from lab import manifests
from lab.checks import until
from lab.program import search_path
from support.kube_api import Api, NotFound


class Side:
    name = ''
    lacks = {}  # need -> why it is not here
    driver = ''  # of the classes that scenarios make
    plain_class = ''  # volumes at once, snapshots
    waiting_class = ''  # volumes when a VM first starts, snapshots
    class_without_snapshots = ''

    def __init__(self, kubeconfigs):
        """`kubeconfigs`: of `admin`, who may do everything, and of `viewer`."""
        self.kubeconfigs, self.api = kubeconfigs, Api(kubeconfigs['admin'])
        self.lacks = dict(self.lacks)
        if not shutil.which('kubectl', path=search_path()):
            self.lacks['kubectl'] = 'there is no kubectl'

    def missing(self, needs):
        """Why a scenario cannot run here, or ''."""
        return '; '.join(self.lacks[need] for need in sorted(needs) if need in self.lacks)

    def content(self, ns, claim):
        """What tells a disk's data from other data."""
        raise NotImplementedError

    def fill(self, ns, claim):
        """New data on a bound disk; what content() says from now on."""
        raise NotImplementedError

    def parameters(self, given):
        """Of a class: `delay` (seconds that each volume or snapshot takes), `held` (it takes until hurry(), where the side can do that)
        and `fail` (why it cannot be made)."""
        raise NotImplementedError

    def make_classes(self, name, binding, given, snapshot):
        """A StorageClass, and what makes snapshots of its volumes: like the plain class's, or (`snapshot`) with parameters of their
        own. What it made, as (resource, name)."""
        raise NotImplementedError

    def make_storage_class(self, name, binding, given, driver=''):
        self.api.create('storageclasses', '', manifests.storage_class(name, driver or self.driver, binding, self.parameters(given)))
        return 'storageclasses', name

    def make_snapshot_class(self, name, given, driver=''):
        self.api.create('volumesnapshotclasses', '', manifests.snapshot_class(name, driver or self.driver, self.parameters(given)))
        return 'volumesnapshotclasses', name

    def replace_class(self, name, given):
        """The same name with other parameters, which cannot be changed in place."""
        old = self.api.get('storageclasses', '', name)
        self.api.delete('storageclasses', '', name)
        self.make_storage_class(name, old['volumeBindingMode'], given, old['provisioner'])
        time.sleep(0.5)  # provisioners read classes from a cache

    def hurry(self, resource, name):
        """What a class holds is made now, or after its `delay`."""

    def end(self):
        pass


class Cluster(Side):
    """Started by tests/cluster; `folder`: its CLUSTER_STATE."""

    name = 'cluster'
    driver, plain_class, waiting_class, class_without_snapshots = 'dir.csi.local', 'dir', 'dir-wait', 'dir-nosnap'

    def __init__(self, folder):
        self.folder = folder
        super().__init__({user: f'{folder}/{user}.kubeconfig' for user in ('admin', 'viewer')})

    def _path(self, ns, claim):
        volume = self.api.get('persistentvolumes', '', self.api.get('persistentvolumeclaims', ns, claim)['spec']['volumeName'])
        path = f'{self.folder}/storage/volumes/{volume["spec"]["csi"]["volumeHandle"]}'
        return f'{path}/disk.img' if os.path.isdir(path) else path

    def content(self, ns, claim):
        with open(self._path(ns, claim), 'rb') as disk:
            return hashlib.file_digest(disk, 'sha256').hexdigest()

    def fill(self, ns, claim):
        path = self._path(ns, claim)
        with open(path, 'r+b' if os.path.exists(path) else 'wb') as disk:
            disk.write(os.urandom(1 << 20))
        return self.content(ns, claim)

    def parameters(self, given):
        return {k: f'{v}s' if k == 'delay' else v for k, v in given.items() if k != 'held'}

    def _profile(self, name):
        return self.api.get('storageprofiles', '', name) or {}

    def _choose_snapshot_class(self, name, wanted):
        until(f'profile of {name}', lambda: self._profile(name))
        if wanted != self.plain_class:
            self.api.patch('storageprofiles', '', name, {'spec': {'snapshotClass': wanted}})
        until(f'profile of {name}', lambda: self._profile(name).get('status', {}).get('snapshotClass') == wanted)

    def replace_class(self, name, given):
        """CDI's profile goes with the class, and so does what it says of snapshots."""
        snapshots = self._profile(name)['status']['snapshotClass']
        old = self.api.get('storageclasses', '', name)
        self.api.delete('storageclasses', '', name)
        until(f'no profile of {name}', lambda: not self._profile(name))
        self.make_storage_class(name, old['volumeBindingMode'], given, old['provisioner'])
        self._choose_snapshot_class(name, snapshots)
        time.sleep(0.5)  # provisioners read classes from a cache

    def make_classes(self, name, binding, given, snapshot):
        made = [] if snapshot is None else [self.make_snapshot_class(name, snapshot)]
        made.append(self.make_storage_class(name, binding, given))
        # All classes of one driver share its snapshot classes; which one is meant, CDI's profile says.
        self._choose_snapshot_class(name, self.plain_class if snapshot is None else name)
        return made

    def end(self):
        """Snapshots that were deleted too early keep a namespace until the snapshot controller looks again, after up to 15 minutes:
        a write wakes it."""
        note = {'metadata': {'annotations': {'kubectl-wukong.test/touched': 'yes'}}}
        for ns, found in self.api.all('namespaces').items():
            if not ns.startswith('scenario-') or found['status']['phase'] != 'Terminating':
                continue
            for resource in ('volumesnapshots', 'volumesnapshotcontents'):
                for name in self.api.names(resource, ns):
                    try:
                        self.api.patch(resource, ns, name, note)
                    except NotFound:
                        pass


class Sandbox(Side):
    """A wukong-sandbox of its own, started here; `program`: its binary."""

    name = 'sandbox'
    driver, plain_class, waiting_class, class_without_snapshots = 'csi.sandbox.wukong', 'fast', 'scenarios-wait', 'scenarios-nosnap'
    lacks = {
        'roles': 'the sandbox has two fixed users, and no RBAC',
        'data volumes': 'the sandbox has no CDI',
        'exports': 'the sandbox has no exports',
        'validation': 'the sandbox knows no schemas',
        'limit ranges': 'the sandbox has none',
    }
    CONTENT = 'sandbox.wukong/content'
    SPEED = 8  # its controllers' times, divided by this, are about the real ones of tests/cluster
    HELD = 600  # seconds that no scenario takes

    def __init__(self, program):
        self._folder = tempfile.mkdtemp(prefix='wukong-scenarios-')
        home = f'{self._folder}/home'
        # However this process ends, its end of the pipe closes then, and the sandbox, which outlives its starter, is ended, too.
        self._keeper = subprocess.Popen(['sh', '-c', 'read -r _; "$0" down --dir "$1"; rm -rf "$2"', program, home, self._folder],
                                        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True)
        subprocess.run([program, 'up', '--dir', home, '--speed', str(self.SPEED)], check=True, stdout=subprocess.DEVNULL)
        super().__init__({'admin': f'{home}/kubeconfig', 'viewer': f'{home}/viewer.kubeconfig'})
        self.make_storage_class(self.waiting_class, 'WaitForFirstConsumer', {})
        self.make_storage_class(self.class_without_snapshots, 'Immediate', {}, 'nosnap.sandbox.wukong')

    def _volume(self, ns, claim):
        return self.api.get('persistentvolumeclaims', ns, claim)['spec']['volumeName']

    def content(self, ns, claim):
        return self.api.get('persistentvolumes', '', self._volume(ns, claim))['metadata']['annotations'][self.CONTENT]

    def fill(self, ns, claim):
        content = os.urandom(8).hex()
        self.api.patch('persistentvolumes', '', self._volume(ns, claim), {'metadata': {'annotations': {self.CONTENT: content}}})
        return content

    def parameters(self, given):
        delay = {'delay': self.HELD} if given.get('held') else {}
        return {k: f'{v * self.SPEED}s' if k == 'delay' else v for k, v in (given | delay).items() if k != 'held'}

    def hurry(self, resource, name):
        self.api.patch(resource, '', name, {'parameters': None})

    def make_classes(self, name, binding, given, snapshot):
        if snapshot is None:
            return [self.make_storage_class(name, binding, given)]
        driver = f'{name}.sandbox.wukong'
        return [self.make_snapshot_class(name, snapshot, driver), self.make_storage_class(name, binding, given, driver)]

    def end(self):
        self._keeper.stdin.close()
        self._keeper.wait()

