"""A Service and an Ingress for the new VM."""
from lab import check, scenario


@scenario
def service_and_ingress(t):
    t.source()
    t.clone('src', 'copy', '--wait', '--expose', 'ssh:2222:22', '--expose', '53/udp', '--ingress', 'copy.example.com').expect(0, r'copy +Stopped')
    spec = t.get('services', 'copy')['spec']
    check(spec['selector'] == {'vmi.kubevirt.io/id': 'copy'}, str(spec))
    ports = [(port['name'], port['port'], port['targetPort'], port['protocol']) for port in spec['ports']]
    check(ports == [('ssh', 2222, 22, 'TCP'), ('udp-53', 53, 53, 'UDP')], str(ports))
    rule, = t.get('ingresses', 'copy')['spec']['rules']
    check(rule['host'] == 'copy.example.com', str(rule))
    check(rule['http']['paths'][0]['backend']['service'] == {'name': 'copy', 'port': {'number': 2222}}, str(rule))


@scenario
def many(t):
    t.source()
    t.clone('src', 'web-#', '--count', '2', '--expose', '80', '--ingress', 'web-#.example.com').expect(0)
    hosts = [t.get('ingresses', name)['spec']['rules'][0]['host'] for name in ('web-1', 'web-2')]
    check(hosts == ['web-1.example.com', 'web-2.example.com'], str(hosts))


@scenario
def service_exists(t):
    t.source()
    t.create('services', {'apiVersion': 'v1', 'kind': 'Service', 'metadata': {'name': 'copy'}, 'spec': {'ports': [{'port': 80}]}})
    before = t.traces()
    t.clone('src', 'copy', '--expose', '80').expect(3, 'Service .*/copy exists already', 'kubectl delete service/copy')
    t.expect_gone_back_to(before)


@scenario(needs=['roles'])
def services_may_not_be_made(t):
    t.source()
    t.bind('kubevirt.io:edit')
    before = t.traces()
    t.clone('src', 'copy', '--wait', '--expose', '80', user='viewer').expect(4, 'services', 'Role')
    t.expect_gone_back_to(before)


@scenario
def a_quota_on_services(t):
    """Beforehand, it refuses. Later, the VM is there, and only its Service is not."""
    name = t.storage_class('slowsnap', snapshot={'delay': 5, 'held': True})
    t.source(storage_class=name)
    child = t.start('clone', 'src', 'copy', '--wait', '--expose', '80')
    child.until_says('Snapshotting')
    t.quota(services='0')
    t.hurry('slowsnap', snapshots=True)
    child.end().expect(6, 'exceeded quota', r'copy +Stopped')
    t.expect_same_content('src', 'copy')
    t.clone('src', 'other', '--expose', '80').expect(3, 'services is limited to 0')
