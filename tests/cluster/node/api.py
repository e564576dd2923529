"""The API server, for threads: one connection per thread and user."""
import http.client
import json
import ssl
import threading

NODE, GATEWAY = 'node-1', '10.99.0.1'


class ApiError(Exception):
    def __init__(self, code, text):
        super().__init__(f'{code} {text[:300]}')
        self.code = code


class Api:
    def __init__(self, state):
        self.state = state
        self.contexts = {}
        self.local = threading.local()

    def context(self, user):
        if user not in self.contexts:
            context = ssl.create_default_context(cafile=f'{self.state}/pki/cluster.crt')
            context.load_cert_chain(f'{self.state}/pki/{user}.crt', f'{self.state}/pki/{user}.key')
            self.contexts[user] = context
        return self.contexts[user]

    def exchange(self, user, method, path, body, kind):
        connections = self.local.__dict__.setdefault('connections', {})
        if user not in connections:
            connections[user] = http.client.HTTPSConnection(GATEWAY, 6443, context=self.context(user), timeout=30)
        try:
            connections[user].request(method, path, body, {'Content-Type': kind})
            answer = connections[user].getresponse()
            return answer.status, answer.read().decode()
        except (http.client.HTTPException, OSError):
            connections.pop(user).close()
            raise

    def __call__(self, method, path, body=None, user='admin'):
        """The object that the server answers with. A dictionary for PATCH is a merge patch."""
        kind = 'application/merge-patch+json' if method == 'PATCH' else 'application/json'
        data = json.dumps(body) if body is not None else None
        try:
            status, text = self.exchange(user, method, path, data, kind)
        except (http.client.HTTPException, OSError):  # the server may have closed an idle connection
            status, text = self.exchange(user, method, path, data, kind)
        if status >= 300:
            raise ApiError(status, text)
        return json.loads(text)
