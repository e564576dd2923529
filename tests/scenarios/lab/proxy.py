"""The fault proxy (tests/support/fault_proxy) before the server: reachable, gone or silent, as a scenario says."""
import json
import socket
import subprocess
import tempfile
import threading

from lab.checks import Wrong, until

LONG = '1h'  # until open() says otherwise


class Proxy:
    def __init__(self, program, kubeconfig, mode='tcp'):
        self._folder = tempfile.TemporaryDirectory(prefix='wukong-proxy-')
        self.kubeconfig = f'{self._folder.name}/kubeconfig'  # of the same user, through the proxy
        self._process = subprocess.Popen([program, '--kubeconfig', kubeconfig, '--write-kubeconfig', self.kubeconfig, '--mode', mode],
                                         text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self._told, self._kept = [], None
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        ready = self._process.stdout.readline()
        if not ready:
            raise Wrong(f'the fault proxy does not start: {"".join(self._told)}')
        self.port = json.loads(ready)['port']

    def _listen(self):
        for line in self._process.stderr:
            self._told.append(line)

    def _say(self, command, answer):
        before = len(self._told)
        self._process.stdin.write(command + '\n')
        self._process.stdin.flush()
        until(f'the fault proxy obeys {command!r}', lambda: any(answer in line for line in self._told[before:]))

    def cut(self):
        """Connections are reset, and nobody listens; nor does anybody else on this machine get the port meanwhile."""
        self._say(f'refuse {LONG}', 'all: refuse')
        self._kept = socket.socket()
        self._kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        until('the port is free', self._keep)

    def hang(self):
        """Connections stay and are accepted, but no byte moves."""
        self._say(f'stall {LONG}', 'all: stall')

    def open(self):
        self._say('heal', 'healed')
        self._let_go()

    def _keep(self):
        try:
            self._kept.bind(('127.0.0.1', self.port))
        except OSError:
            return False
        return True

    def _let_go(self):
        if self._kept:
            self._kept.close()
        self._kept = None

    def discard(self):
        self._let_go()
        self._process.stdin.close()
        self._process.wait()
        self._listener.join()
        self._process.stdout.close()
        self._process.stderr.close()
        self._folder.cleanup()
