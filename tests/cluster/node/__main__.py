"""The node of the test cluster: what kubelet, the container runtime and virt-handler would do, for the few images that
KubeVirt's storage paths use.

A pod is a process in its own network namespace, over a copy-on-write view of the file system, with the pod's volumes
where its containers expect them. The virt-launcher image is not run: its pods, and the machine instances they carry, are
only marked as running.

node STATE BIN, inside the cluster's namespaces.
"""
import http.client
import sys
import time

from api import GATEWAY, NODE, Api, ApiError
from pod import Pod, now


def register(api):
    capacity = {'cpu': '64', 'memory': '512Gi', 'pods': '2000', 'ephemeral-storage': '1Ti',
                **{f'devices.kubevirt.io/{d}': '2000' for d in ('kvm', 'tun', 'vhost-net')}}
    api('PATCH', f'/api/v1/nodes/{NODE}', {'spec': {'taints': None}})
    api('PATCH', f'/api/v1/nodes/{NODE}/status', {'status': {
        'capacity': capacity, 'allocatable': capacity, 'addresses': [{'type': 'InternalIP', 'address': GATEWAY}],
        'conditions': [{'type': 'Ready', 'status': 'True', 'reason': 'KubeletReady',
                        'lastTransitionTime': now(), 'lastHeartbeatTime': now()}]}})


class Hosts:
    """Service names resolve through the hosts file, in place of a DNS server."""

    def __init__(self, path='/etc/hosts'):
        self.path, self.lines = path, None
        with open(path) as f:
            self.base = f.read()

    def sync(self, api):
        headless = {}
        for e in api('GET', '/apis/discovery.k8s.io/v1/endpointslices')['items']:
            service = (e['metadata']['namespace'], e['metadata'].get('labels', {}).get('kubernetes.io/service-name'))
            headless[service] = [a for x in e.get('endpoints') or [] if x.get('conditions', {}).get('ready') for a in x['addresses']]
        lines = []
        for s in api('GET', '/api/v1/services')['items']:
            name, ns = s['metadata']['name'], s['metadata']['namespace']
            address = s['spec'].get('clusterIP')
            for a in headless.get((ns, name), []) if address == 'None' else [address]:
                lines.append(f'{a} {name}.{ns}.svc {name}.{ns}.svc.cluster.local {name}.{ns}\n')
        if lines != self.lines:
            with open(self.path, 'r+') as f:  # in place: pods have this very file
                f.write(self.base + ''.join(lines))
                f.truncate()
            self.lines = lines


class Pods:
    def __init__(self, state, programs):
        self.state, self.programs, self.known = state, programs, {}
        self.numbers = iter(range(256, 60000))

    def sync(self, api):
        listed = {p['metadata']['uid']: p for p in api('GET', f'/api/v1/pods?fieldSelector=spec.nodeName%3D{NODE}')['items']}
        for uid, pod in listed.items():
            if uid not in self.known:
                self.known[uid] = Pod(api, self.state, self.programs, self.numbers, pod)
            if 'deletionTimestamp' in pod['metadata']:
                self.known[uid].deleted = True
        for uid in [u for u in self.known if u not in listed]:
            self.known.pop(uid).deleted = True


def run_instances(api):
    """Machine instances: Scheduled becomes Running, as virt-handler would say."""
    for i in api('GET', '/apis/kubevirt.io/v1/virtualmachineinstances')['items']:
        meta, phase = i['metadata'], i.get('status', {}).get('phase')
        url = f'/apis/kubevirt.io/v1/namespaces/{meta["namespace"]}/virtualmachineinstances/{meta["name"]}'
        deleted = 'deletionTimestamp' in meta
        if phase == 'Scheduled' and not deleted:
            interface = {'name': 'default', 'ipAddress': '10.99.0.100', 'ipAddresses': ['10.99.0.100']}
            api('PATCH', url, {'status': {'phase': 'Running', 'nodeName': NODE, 'interfaces': [interface]}}, 'virt-handler')
        if phase == 'Running' and deleted:
            api('PATCH', url, {'status': {'phase': 'Succeeded'}}, 'virt-handler')


def main(state, programs):
    api = Api(state)
    register(api)
    hosts, pods = Hosts(), Pods(state, programs)
    while True:
        try:
            hosts.sync(api)
            pods.sync(api)
            run_instances(api)
        except (ApiError, OSError, http.client.HTTPException) as e:
            print(now(), 'node:', e, flush=True)
        time.sleep(0.2)


main(*sys.argv[1:])
