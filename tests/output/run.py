#!/usr/bin/python3
"""What kubectl prints with -o for the cases of cases.py, against tests/data/output/expected.json.

run.py            compares; unit.render holds us to the same file
run.py --accept   writes it

Exits with 77 when there is no kubectl.
"""
import concurrent.futures
import http.server
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading

import cases

EXPECTED = pathlib.Path(__file__).parent.parent / 'data/output/expected.json'
ELSEWHERE = pathlib.Path.home() / '.cache/kubevirt-cluster/bin/kubectl'
KUBECTL = str(ELSEWHERE) if ELSEWHERE.exists() else shutil.which('kubectl')
TYPE = {'apiVersion': 'kubevirt.io/v1', 'kind': 'VirtualMachine'}
DISCOVERY = {
    'kind': 'APIGroupDiscoveryList', 'apiVersion': 'apidiscovery.k8s.io/v2',
    'items': [{'metadata': {'name': 'kubevirt.io'}, 'versions': [{'version': 'v1', 'resources': [
        {'resource': 'virtualmachines', 'responseKind': {'group': 'kubevirt.io', 'version': 'v1', 'kind': 'VirtualMachine'}, 'scope': 'Namespaced',
         'singularResource': 'virtualmachine', 'verbs': ['get', 'list']}]}]}],
}


def table(columns, rows):
    return {'kind': 'Table', 'apiVersion': 'meta.k8s.io/v1', 'metadata': {'resourceVersion': '1'},
            'columnDefinitions': [{'name': name, 'type': 'string', 'format': '', 'description': '', 'priority': priority} for name, priority in columns],
            'rows': [{'cells': cells, 'object': {'kind': 'PartialObjectMetadata', 'apiVersion': 'meta.k8s.io/v1', 'metadata': {'name': str(i)}}}
                     for i, cells in enumerate(rows)]}


class Server(http.server.BaseHTTPRequestHandler):
    """Discovery, and the objects of cases.py: a namespace for each."""
    protocol_version = 'HTTP/1.1'

    def do_GET(self):
        path = self.path.split('?')[0].strip('/').split('/')
        if path == ['api']:
            answer = DISCOVERY | {'items': []}
        elif path == ['apis']:
            answer = DISCOVERY
        elif path[4] in cases.TABLES:
            answer = table(*cases.TABLES[path[4]])
        else:
            answer = cases.OBJECTS[path[4]]
            if isinstance(answer, list):
                answer = {'apiVersion': TYPE['apiVersion'], 'kind': 'VirtualMachineList', 'metadata': {'resourceVersion': '1'}, 'items': answer}
        body = json.dumps(answer).encode()
        kind = 'application/json'
        if 'kind' in answer and answer['kind'] == 'APIGroupDiscoveryList':
            kind += ';g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'
        self.send_response(200)
        self.send_header('Content-Type', kind)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Kubectl:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Server)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.kubeconfig = self.folder / 'kubeconfig'
        address = f'http://127.0.0.1:{self.server.server_address[1]}'
        self.kubeconfig.write_text(json.dumps({
            'apiVersion': 'v1', 'kind': 'Config', 'current-context': 'x', 'contexts': [{'name': 'x', 'context': {'cluster': 'x', 'user': 'x'}}],
            'clusters': [{'name': 'x', 'cluster': {'server': address}}], 'users': [{'name': 'x', 'user': {}}]}))

    def call(self, *words):
        return subprocess.run([KUBECTL, 'get', 'virtualmachines', *words],
                              env={'HOME': str(self.folder), 'KUBECONFIG': str(self.kubeconfig), 'PATH': os.environ['PATH']},
                              capture_output=True, text=True, timeout=60, check=False)

    def run_table(self, case):
        name, words = case
        return {'table': name, 'words': words, 'stdout': self.call('-n', name, *words).stdout}

    def run(self, number, case):
        objects, output, text = case
        if text is not None:
            file = self.folder / f'template-{number}'
            file.write_text(text)
            output = output.replace('FILE', str(file))
        run = self.call(*(['web'] if objects == 'web' else []), '-n', objects, '-o', output)
        told = {'objects': objects, 'output': case[1]}
        if text is not None:
            told['file'] = text
        if cases.any_order(case[1]):
            told['anyOrder'] = True
        if run.returncode:
            return told | {'error': reason(run.stderr)}
        return told | {'stdout': run.stdout}


def reason(stderr):
    """Without the object, which kubectl puts into its message."""
    line = stderr.split('\n')[0].removeprefix('error: ').split('. Expected format')[0]
    if 'Error executing template: ' in line:
        line = line.split('Error executing template: ')[1].split('. Printing more')[0]
    if 'cannot be filtered' in line:
        line = 'is not array or slice and cannot be filtered'
    return line.replace('map[string]interface {}', 'object').replace('int64', 'number')


def comparable(told):
    if told.get('anyOrder') and 'stdout' in told:
        return told | {'stdout': sorted(told['stdout'].split())}
    if told.get('anyOrder'):
        return told | {'error': 'the object that comes first decides'}
    return told


def main(words):
    if words not in ([], ['--accept']):
        sys.exit(__doc__)
    if not KUBECTL:
        print('skipped: there is no kubectl')
        return 77
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(2) as pool:
        kubectl = Kubectl(folder)
        kubectl.run(0, cases.CASES[0])  # fills the discovery cache
        told = list(pool.map(lambda pair: kubectl.run(*pair), enumerate(cases.CASES)))
        tables = list(pool.map(kubectl.run_table, cases.TABLE_CASES))
    if words:
        whole = {'objects': cases.OBJECTS, 'cases': told, 'tables': cases.TABLES, 'tableCases': tables}
        EXPECTED.write_text(json.dumps(whole, indent=1, ensure_ascii=False) + '\n', encoding='utf-8')
        return 0
    expected = json.loads(EXPECTED.read_text(encoding='utf-8'))
    pairs = zip(told + tables, expected['cases'] + expected['tableCases'], strict=True)
    wrong = [(got, want) for got, want in pairs if comparable(got) != comparable(want)]
    for got, want in wrong:
        print(f'kubectl:  {got}\nrecorded: {want}\n')
    print(f'{len(told + tables)} cases, {len(wrong)} differ')
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
