"""What the goldens show would be taken by a real API server: they are ours, and a field that we invent would be in them, too."""
import pathlib
import re

import yaml

from lab import CLOUD_INIT, Wrong, check, scenario
from support.kube_api import Refused

GOLDENS = pathlib.Path(__file__).resolve().parent.parent / 'golden'
#: A group that exists nowhere: what is shown there is about YAML, not about an API.
EXAMPLE = 'apiVersion: example.com/'


def objects_in(text):
    """Documents of a golden that are objects; a plan in words may stand before them."""
    for document in text.split('\n---\n'):
        if not re.search(r'^apiVersion: ', document, re.M) or EXAMPLE in document:
            continue
        found = yaml.safe_load(document)
        yield from found.get('items', [found])


def shown():
    """(file, object) of all goldens."""
    for path in sorted(GOLDENS.rglob('*.yaml')):
        for each in objects_in(path.read_text()):
            yield path.relative_to(GOLDENS), each


class Paths:
    """Where objects of a kind are created; the server tells."""

    def __init__(self, t):
        self.t, self.lists = t, {}

    def of(self, each):
        version = each['apiVersion']
        folder = f'/apis/{version}' if '/' in version else f'/api/{version}'
        if folder not in self.lists:
            self.lists[folder] = self.t.api.request('GET', folder)['resources']
        resource = next((r for r in self.lists[folder] if r['kind'] == each['kind'] and '/' not in r['name']), None)
        check(resource, f'the server knows no {each["kind"]} in {version}')
        return f'{folder}/{f"namespaces/{self.t.ns}/" if resource["namespaced"] else ""}{resource["name"]}'


def refusal(t, path, each):
    """What the server says against its shape, or ''. Fields are judged before all else: later refusals, because it exists already or
    names what is not in this namespace, say that they are right."""
    each = each | {'metadata': {k: v for k, v in each['metadata'].items() if k != 'namespace'}}
    try:
        t.api.request('POST', f'{path}?dryRun=All&fieldValidation=Strict', each)
    except Refused as said:
        if said.status != 409 and not re.search('not found|does not exist', str(said)):
            return str(said)
    return ''


@scenario(needs=['validation'])
def a_real_server_takes_what_goldens_show(t):
    t.make_vm('web', {'init': CLOUD_INIT})  # the source of most of them
    paths, wrong, count = Paths(t), [], 0
    for file, each in shown():
        count += 1
        if said := refusal(t, paths.of(each), each):
            wrong.append(f'{file}: {each["kind"]} {each["metadata"]["name"]}: {said}')
    check(count, 'no golden shows an object')
    if wrong:
        raise Wrong('\n'.join(wrong))
