"""What a container runtime does: a process over a copy-on-write view of the file system, in a network of its own."""
import os
import shlex
import shutil
import subprocess

from api import GATEWAY

IMAGES = {  # image name: what its entry point runs
    'virt-exportserver': ['virt-exportserver'],
    'cdi-importer': ['cdi-importer', '-alsologtostderr'],
    'cdi-uploadserver': ['cdi-uploadserver', '-alsologtostderr'],
    'cdi-cloner': ['cloner_startup.sh'],
}
DEVICES = {'null': (1, 3), 'zero': (1, 5), 'full': (1, 7), 'random': (1, 8), 'urandom': (1, 9), 'tty': (5, 0)}


def image_of(container):
    return container['image'].split('/')[-1].split('@')[0].split(':')[0]


def command_of(container):
    return (container.get('command') or IMAGES[image_of(container)]) + (container.get('args') or [])


def run(command):
    subprocess.run(['sh', '-ec', command], check=True)


class Network:
    """A network namespace on the bridge; `number` makes its name and its address."""

    def __init__(self, number):
        self.ip, self.name = f'10.99.{number // 256}.{number % 256}', f'p{number}'
        run(f'''ip netns add {self.name}
            ip link add v{number} type veth peer name eth0 netns {self.name}
            ip link set v{number} master br0 up
            ip -n {self.name} addr add {self.ip}/16 dev eth0
            ip -n {self.name} link set eth0 up
            ip -n {self.name} link set lo up
            ip -n {self.name} route add default via {GATEWAY}''')

    def remove(self):
        subprocess.run(['ip', 'netns', 'del', self.name])


class Root:
    """The container's file system, below `folder`, as shell lines to be run in a mount namespace of its own."""

    def __init__(self, folder, programs):
        self.folder, self.path, self.programs = folder, f'{folder}/root', programs

    def base(self):
        f, r = self.folder, self.path
        nodes = [f'mknod -m 666 {r}/dev/{name} c {major} {minor}' for name, (major, minor) in DEVICES.items()]
        links = [f'ln -s /proc/self/{target} {r}/dev/{name}'
                 for name, target in (('fd', 'fd'), ('stdin', 'fd/0'), ('stdout', 'fd/1'), ('stderr', 'fd/2'))]
        return [
            f'rm -rf {f}/up {f}/work; mkdir -p {f}/up {f}/work {r}; : > {f}/message',
            f'mount -t overlay overlay -o lowerdir=/,upperdir={f}/up,workdir={f}/work {r}',
            f'mount -t proc proc {r}/proc',
            f'mount -t tmpfs -o mode=755 tmpfs {r}/dev',
            *nodes, *links,
            f'mkdir {r}/dev/shm; touch {r}/dev/termination-log',
            f'mount --bind {f}/message {r}/dev/termination-log',
            f'mount --bind /etc/hosts {r}/etc/hosts',
            f'mount -t tmpfs tmpfs {r}/tmp; mount -t tmpfs tmpfs {r}/run',
            f'mkdir -p {r}/opt/bin; mount --bind {self.programs} {r}/opt/bin',
            f'for x in {self.programs}/*; do ln -sf /opt/bin/${{x##*/}} {r}/usr/bin/; done',
        ]

    def mount(self, source, at):
        if at.startswith('/var/run/'):
            at = at.replace('/var/run/', '/run/', 1)
        q, target = shlex.quote, self.path + at
        make = f'mkdir -p {q(os.path.dirname(target))}; touch {q(target)}' if os.path.isfile(source) else f'mkdir -p {q(target)}'
        return f'{make}; mount --bind {q(source)} {q(target)}'

    def device(self, source, at):
        number, target = os.stat(source).st_rdev, self.path + at
        return (f'mkdir -p {shlex.quote(os.path.dirname(target))}; '
                f'mknod -m 666 {shlex.quote(target)} b {os.major(number)} {os.minor(number)}')

    def launch(self, container, volumes, env, network, log):
        """The running container. `volumes`: name -> the file, folder or device behind it."""
        lines = self.base()
        for m in container.get('volumeMounts', []):
            lines.append(self.mount(volumes[m['name']] + ('/' + m['subPath'] if m.get('subPath') else ''), m['mountPath']))
        for d in container.get('volumeDevices', []):
            lines.append(self.device(volumes[d['name']], d['devicePath']))
        lines.append(f'exec chroot {self.path} {shlex.join(command_of(container))}')
        with open(log, 'a') as out:
            return subprocess.Popen(
                ['ip', 'netns', 'exec', network.name, 'unshare', '-m', '-p', '-f', '--kill-child', 'sh', '-ec', '\n'.join(lines)],
                env=env, stdout=out, stderr=out, start_new_session=True)

    def message(self):
        """What the container wrote to its termination log."""
        with open(f'{self.folder}/message') as f:
            return f.read(4096)

    def remove(self):
        # The mounts below it are in the container's namespace only.
        shutil.rmtree(self.folder, ignore_errors=True)
