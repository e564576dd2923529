"""One pod, from its creation to its removal, as kubelet would tell it."""
import datetime
import http.client
import ssl
import threading
import time
import traceback
import urllib.request

from api import GATEWAY, ApiError
from container import IMAGES, Network, Root, command_of, image_of
from volumes import Unready, Volumes


class Gone(Exception):
    """The pod was deleted."""


def now():
    return datetime.datetime.now(datetime.timezone.utc).strftime('%Y-%m-%dT%H:%M:%SZ')


class Pod:
    """Runs in a thread of its own. Who creates it sets `deleted` when the API says so."""

    def __init__(self, api, state, programs, numbers, pod):
        self.api, self.state, self.numbers = api, state, numbers
        self.meta, self.spec, self.container = pod['metadata'], pod['spec'], pod['spec']['containers'][0]
        self.ns, self.name, self.uid = self.meta['namespace'], self.meta['name'], self.meta['uid']
        self.url = f'/api/v1/namespaces/{self.ns}/pods/{self.name}'
        folder = f'{state}/over/pods/{self.uid}'
        self.root, self.volumes = Root(folder, programs), Volumes(api, state, self.ns, folder)
        self.deleted = False
        self.process = self.ip = self.network = self.last = None
        self.restarts, self.started = 0, now()
        threading.Thread(target=self.main, daemon=True).start()

    # ---- reporting

    def say(self, *words):
        print(now(), f'{self.ns}/{self.name}', *words, flush=True)

    def conditions(self, phase, ready):
        done = {'reason': 'PodCompleted'} if phase == 'Succeeded' else {}
        why = {} if ready else done or {'reason': 'ContainersNotReady'}
        told = (('PodScheduled', True, {}), ('Initialized', True, done), ('ContainersReady', ready, why), ('Ready', ready, why))
        return [{'type': kind, 'status': str(value), 'lastTransitionTime': now(), **more} for kind, value, more in told]

    def report(self, phase, state, ready=False):
        status = {
            'phase': phase, 'hostIP': GATEWAY, 'hostIPs': [{'ip': GATEWAY}], 'startTime': self.started,
            'conditions': self.conditions(phase, ready),
            'containerStatuses': [{
                'name': c['name'], 'image': c['image'], 'imageID': c['image'] if 'waiting' not in state else '',
                'ready': ready, 'started': 'running' in state, 'restartCount': self.restarts, 'state': state,
                **({'lastState': {'terminated': self.last}} if self.last else {}),
            } for c in self.spec['containers']],
        }
        if self.ip:
            status |= {'podIP': self.ip, 'podIPs': [{'ip': self.ip}]}
        try:
            self.api('PATCH', self.url + '/status', {'status': status})
        except ApiError as e:
            if e.code == 404:
                raise Gone
            self.say('status', e)

    def waiting(self, reason, message=None):
        self.report('Running' if self.restarts or self.last else 'Pending',
                    {'waiting': {'reason': reason, **({'message': message} if message else {})}})

    # ---- waiting

    def check(self):
        if self.deleted:
            raise Gone

    def pause(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.check()
            time.sleep(0.05)

    def until_deleted(self):
        while True:
            self.pause(1)

    def until_ready(self, what, seconds, reason=None):
        """What `what` returns once it is not Unready; reports the reason, once, if there is one to report."""
        while True:
            self.check()
            try:
                return what()
            except Unready as e:
                if reason:
                    self.waiting(reason, str(e))
                    reason = None
            self.pause(seconds)

    # ---- the container

    def ready(self):
        probe = (self.container.get('readinessProbe') or {}).get('httpGet')
        if not probe:
            return True
        url = f'{(probe.get("scheme") or "HTTP").lower()}://{self.ip}:{probe["port"]}{probe["path"]}'
        try:
            urllib.request.urlopen(url, context=ssl._create_unverified_context(), timeout=1).close()
            return True
        except (OSError, http.client.HTTPException):
            return False

    def run_once(self, volumes, env):
        """From start to end; the container's `terminated` state."""
        log = f'{self.state}/log/pod-{self.ns}-{self.name}.log'
        self.process = self.root.launch(self.container, volumes, env, self.network, log)
        self.say('runs', command_of(self.container)[0], self.ip)
        running, ready = {'startedAt': now()}, self.ready()
        self.report('Running', {'running': running}, ready)
        while self.process.poll() is None:
            self.pause(0.1)
            if not ready and self.ready():
                ready = True
                self.report('Running', {'running': running}, True)
        code = self.process.returncode if self.process.returncode >= 0 else 128 - self.process.returncode
        message = self.root.message()
        self.say('ended', code, message[:200])
        return {'exitCode': code, 'reason': 'Error' if code else 'Completed', 'finishedAt': now(), **running,
                **({'message': message} if message else {})}

    def supervise(self, volumes, env):
        """Runs the container, again where the pod's policy says so."""
        policy, backoff = self.spec.get('restartPolicy', 'Always'), 0
        while True:
            self.check()
            ended = self.run_once(volumes, env)
            failed = ended['exitCode'] != 0
            if policy == 'Never' or (policy == 'OnFailure' and not failed):
                self.report('Failed' if failed else 'Succeeded', {'terminated': ended})
                return
            self.report('Running', {'terminated': ended})
            self.last = ended
            if backoff:
                self.pause(3)
                self.waiting('CrashLoopBackOff', f'back-off {backoff}s restarting failed container={self.container["name"]} '
                                                 f'pod={self.name}_{self.ns}({self.uid})')
            self.pause(backoff or 1)
            backoff = min(2 * backoff or 10, 300)
            self.restarts += 1

    def live(self):
        image = image_of(self.container)
        if image == 'virt-launcher':  # is not run, only said to
            self.ip = f'10.99.0.{100 + int(self.uid[:2], 16) % 100}'
            self.report('Running', {'running': {'startedAt': now()}}, True)
            self.until_deleted()
        if image not in IMAGES:
            self.waiting('ErrImagePull', f'no such image here: {self.container["image"]}')
            self.until_deleted()
        self.waiting('ContainerCreating')
        volumes = self.until_ready(lambda: self.volumes.of(self.spec), 0.2)
        self.network = Network(next(self.numbers))
        self.ip = self.network.ip
        fields = {'metadata.name': self.name, 'metadata.namespace': self.ns, 'status.podIP': self.ip}
        env = self.until_ready(lambda: self.volumes.environment(self.container, fields), 0.5, 'CreateContainerConfigError')
        self.supervise(volumes, env)

    def main(self):
        try:
            self.live()
        except Gone:
            pass
        except Exception:
            traceback.print_exc()
        finally:
            self.release()

    def release(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.volumes.release()
        if self.network:
            self.network.remove()
        self.root.remove()
        while not self.deleted:
            time.sleep(0.1)
        try:
            self.api('DELETE', self.url, {'gracePeriodSeconds': 0, 'preconditions': {'uid': self.uid}})
        except ApiError:
            pass
        self.say('gone')
