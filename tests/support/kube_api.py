"""The Kubernetes API for tests in Python: plain reads and writes as the user of a kubeconfig, past whatever stands before the server."""
import base64
import http.client
import json
import os
import ssl
import tempfile
import threading
import time
import urllib.parse

import yaml

#: The group and version that tests speak of each resource.
GROUPS = {
    'persistentvolumeclaims': '/api/v1', 'persistentvolumes': '/api/v1', 'events': '/api/v1', 'namespaces': '/api/v1',
    'resourcequotas': '/api/v1', 'limitranges': '/api/v1', 'secrets': '/api/v1', 'services': '/api/v1',
    'configmaps': '/api/v1', 'serviceaccounts': '/api/v1',
    'virtualmachineinstancetypes': '/apis/instancetype.kubevirt.io/v1beta1', 'virtualmachinepreferences': '/apis/instancetype.kubevirt.io/v1beta1',
    'ingresses': '/apis/networking.k8s.io/v1',
    'storageclasses': '/apis/storage.k8s.io/v1',
    'virtualmachines': '/apis/kubevirt.io/v1', 'virtualmachineinstances': '/apis/kubevirt.io/v1',
    'virtualmachineclones': '/apis/clone.kubevirt.io/v1beta1',
    'virtualmachinesnapshots': '/apis/snapshot.kubevirt.io/v1beta1', 'virtualmachinesnapshotcontents': '/apis/snapshot.kubevirt.io/v1beta1',
    'virtualmachinerestores': '/apis/snapshot.kubevirt.io/v1beta1',
    'volumesnapshots': '/apis/snapshot.storage.k8s.io/v1', 'volumesnapshotcontents': '/apis/snapshot.storage.k8s.io/v1',
    'volumesnapshotclasses': '/apis/snapshot.storage.k8s.io/v1',
    'virtualmachineexports': '/apis/export.kubevirt.io/v1beta1',
    'datavolumes': '/apis/cdi.kubevirt.io/v1beta1', 'storageprofiles': '/apis/cdi.kubevirt.io/v1beta1',
    'clusterroles': '/apis/rbac.authorization.k8s.io/v1', 'clusterrolebindings': '/apis/rbac.authorization.k8s.io/v1',
    'roles': '/apis/rbac.authorization.k8s.io/v1', 'rolebindings': '/apis/rbac.authorization.k8s.io/v1',
}
WHOLE_CLUSTER = {'persistentvolumes', 'namespaces', 'storageclasses', 'volumesnapshotcontents', 'volumesnapshotclasses', 'storageprofiles', 'clusterroles', 'clusterrolebindings'}


class Refused(RuntimeError):
    """The server's answer is a refusal."""

    def __init__(self, status, message):
        super().__init__(message)
        self.status = status


class NotFound(Refused):
    """There is no such object, or no such resource."""


def path_of(resource, ns='', name=''):
    scope = '' if resource in WHOLE_CLUSTER else f'/namespaces/{ns}'
    return f'{GROUPS[resource]}{scope}/{resource}' + (f'/{name}' if name else '')


def _entry(config, kind, name):
    return next(e[kind] for e in config[kind + 's'] if e['name'] == name)


class Api:
    """One connection per thread. Lost connections, 429, 500 and 503 are tried again."""

    def __init__(self, kubeconfig):
        with open(kubeconfig, encoding='utf-8') as file:
            config = yaml.safe_load(file)
        self.folder = os.path.dirname(os.path.abspath(kubeconfig))
        context = _entry(config, 'context', config['current-context'])
        cluster, user = _entry(config, 'cluster', context['cluster']), _entry(config, 'user', context['user'])
        self.server, self.token = cluster['server'], user.get('token')
        url = urllib.parse.urlsplit(self.server)
        self.address = (url.hostname, url.port or 443)
        self.authority = self._pem(cluster, 'certificate-authority')
        self._tls = ssl.create_default_context(cadata=self.authority)
        if cluster.get('insecure-skip-tls-verify'):
            self._tls.check_hostname, self._tls.verify_mode = False, ssl.CERT_NONE
        if certificate := self._pem(user, 'client-certificate'):
            with tempfile.NamedTemporaryFile('w') as pair:  # the ssl module only takes files
                pair.write(certificate + '\n' + self._pem(user, 'client-key'))
                pair.flush()
                self._tls.load_cert_chain(pair.name)
        self._local = threading.local()

    def _pem(self, entry, field):
        if data := entry.get(field + '-data'):
            return base64.b64decode(data).decode()
        if not (name := entry.get(field)):
            return None
        with open(os.path.join(self.folder, name), encoding='ascii') as file:
            return file.read()

    def _exchange(self, method, path, data, headers):
        if not getattr(self._local, 'connection', None):
            self._local.connection = http.client.HTTPSConnection(*self.address, context=self._tls, timeout=30)
        try:
            self._local.connection.request(method, path, data, headers)
            answer = self._local.connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            self._local.connection = None
            raise

    def request(self, method, path, body=None, content='application/json'):
        # KubeVirt's subresources make nothing that they would call JSON.
        headers = {'Content-Type': content, 'Accept': '*/*'}
        if self.token:
            headers['Authorization'] = f'Bearer {self.token}'
        for last in (False, False, False, True):
            try:
                status, text = self._exchange(method, path, None if body is None else json.dumps(body), headers)
            except (OSError, http.client.HTTPException):
                if last:
                    raise
                continue
            if last or status not in (429, 500, 503):
                break
            time.sleep(0.5)
        parsed = json.loads(text) if text[:1] == b'{' else {}
        if status >= 400:
            message = f'{method} {path}: {status} {parsed.get("message", text[:300])}'
            raise NotFound(status, message) if status == 404 else Refused(status, message)
        return parsed

    def get(self, resource, ns, name):
        """The object, or None."""
        try:
            return self.request('GET', path_of(resource, ns, name))
        except NotFound:
            return None

    def all(self, resource, ns=''):
        """By name. A resource that is not served has no objects."""
        try:
            items = self.request('GET', path_of(resource, ns))['items']
        except NotFound:
            return {}
        if ns and resource == 'volumesnapshotcontents':
            items = [i for i in items if i['spec']['volumeSnapshotRef'].get('namespace') == ns]
        return {i['metadata']['name']: i for i in items}

    def names(self, resource, ns=''):
        return sorted(self.all(resource, ns))

    def create(self, resource, ns, body):
        return self.request('POST', path_of(resource, ns), body)

    def delete(self, resource, ns, name):
        """Gone already is fine."""
        try:
            self.request('DELETE', path_of(resource, ns, name))
        except NotFound:
            pass

    def patch(self, resource, ns, name, body):
        return self.request('PATCH', path_of(resource, ns, name), body, 'application/merge-patch+json')
