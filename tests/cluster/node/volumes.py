"""What stands behind a pod's volumes, and its environment."""
import base64
import os
import subprocess

from api import ApiError


class Unready(Exception):
    """Something that the pod names is not there yet; kubelet waits for it, too."""


class Volumes:
    def __init__(self, api, state, namespace, folder):
        self.api, self.state, self.folder = api, state, folder
        self.core = f'/api/v1/namespaces/{namespace}'
        self.found, self.loops = {}, []

    def claim(self, name):
        claim = self.api('GET', f'{self.core}/persistentvolumeclaims/{name}')
        if claim['status'].get('phase') != 'Bound':
            raise Unready(f'claim {name} is not bound')
        volume = self.api('GET', '/api/v1/persistentvolumes/' + claim['spec']['volumeName'])
        path = f'{self.state}/storage/volumes/{volume["spec"]["csi"]["volumeHandle"]}'
        if not os.path.isfile(path):
            return path
        device = subprocess.check_output(['losetup', '-f', '--show', path], text=True).strip()
        self.loops.append(device)
        return device

    def files(self, path, kind, name, items):
        data = self.api('GET', f'{self.core}/{kind}/{name}').get('data') or {}
        wanted = {i['key']: i['path'] for i in items} or {k: k for k in data}
        for key, file in wanted.items():
            content = base64.b64decode(data[key]) if kind == 'secrets' else data[key].encode()
            with open(f'{path}/{file}', 'wb') as f:
                f.write(content)

    def volume(self, v):
        """The file, folder or device behind one of the pod's volumes."""
        if 'persistentVolumeClaim' in v:
            return self.claim(v['persistentVolumeClaim']['claimName'])
        path = f'{self.folder}/volumes/{v["name"]}'
        os.makedirs(path, exist_ok=True)
        if 'secret' in v:
            self.files(path, 'secrets', v['secret']['secretName'], v['secret'].get('items', []))
        if 'configMap' in v:
            self.files(path, 'configmaps', v['configMap']['name'], v['configMap'].get('items', []))
        return path

    def of(self, spec):
        """name -> path, for all; Unready until every one can be mounted."""
        try:
            for v in spec.get('volumes', []):
                if v['name'] not in self.found:
                    self.found[v['name']] = self.volume(v)
            return self.found
        except (ApiError, KeyError) as e:
            raise Unready(str(e))

    def environment(self, container, fields):
        """The container's variables; Unready, in kubelet's words, while a secret is missing. `fields`: field path -> value."""
        env = {'PATH': '/opt/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'HOME': '/root'}
        for e in container.get('env', []):
            ref = e.get('valueFrom', {})
            if 'fieldRef' in ref:
                env[e['name']] = fields.get(ref['fieldRef']['fieldPath'], '')
            elif 'secretKeyRef' in ref:
                env[e['name']] = self.secret(ref['secretKeyRef']['name'], ref['secretKeyRef']['key'])
            else:
                env[e['name']] = e.get('value', '')
        return env

    def secret(self, name, key):
        try:
            data = self.api('GET', f'{self.core}/secrets/{name}').get('data') or {}
        except ApiError:
            raise Unready(f'secret "{name}" not found')
        if key not in data:
            raise Unready(f"couldn't find key {key} in Secret {self.core.rpartition('/')[2]}/{name}")
        return base64.b64decode(data[key]).decode()

    def release(self):
        for device in self.loops:
            subprocess.run(['losetup', '-d', device])
