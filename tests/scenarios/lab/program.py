"""One run of the program under test: in a pipe or in a pseudo-terminal, with its output, exit code and seconds."""
import dataclasses
import fcntl
import os
import pty
import re
import subprocess
import tempfile
import termios
import threading
import time

from lab.checks import Wrong, until
from support import progress_lines

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))


@dataclasses.dataclass
class Run:
    command: str
    code: int
    out: str
    err: str
    seconds: float

    def __str__(self):
        def indented(text):
            return ''.join(f'      | {line}\n' for line in text.splitlines())
        return (f'    $ {self.command}\n    exit {self.code} after {self.seconds:.1f} s\n'
                f'    stdout\n{indented(self.out)}    stderr\n{indented(self.err)}')

    def expect(self, code, *words, no=(), within=None):
        """Exit code, regular expressions in what it printed (both streams), and those that must not be there."""
        everything = self.out + self.err
        if self.code != code:
            raise Wrong(f'exit {self.code}, not {code}\n{self}')
        for word in words:
            if not re.search(word, everything):
                raise Wrong(f'does not say {word!r}\n{self}')
        for word in no:
            if re.search(word, everything):
                raise Wrong(f'must not say {word!r}\n{self}')
        if within is not None and self.seconds > within:
            raise Wrong(f'took more than {within} s\n{self}')
        if re.search('--progress[= ]json', self.command) and (wrong := progress_lines.problems(self.err)):
            raise Wrong(f'not what the manual says of --progress=json: {wrong}\n{self}')
        if re.search(r'internal:|terminate called|AddressSanitizer|runtime error', self.err):
            raise Wrong(f'looks like a bug\n{self}')
        return self


class Child:
    """The program while it runs; its output is collected."""

    def __init__(self, command, env, runs, terminal=None):
        """`terminal`: columns and lines of one. `runs`: where its Run goes in the end."""
        self.command, self.runs, self.started, self.parts = command, runs, time.monotonic(), {'out': b'', 'err': b''}
        self.terminal = None
        if terminal:
            streams = self._in_terminal(env, *terminal)
        else:
            self.process = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            streams = {'out': self.process.stdout.fileno(), 'err': self.process.stderr.fileno()}
        self.threads = [threading.Thread(target=self._read, args=s, daemon=True) for s in streams.items()]
        for t in self.threads:
            t.start()

    def _in_terminal(self, env, columns, lines):
        self.terminal, inner = pty.openpty()
        termios.tcsetwinsize(inner, (lines, columns))
        # A session of its own, so that the terminal's Ctrl-C reaches the child and nobody else.
        self.process = subprocess.Popen(self.command, env=env, stdin=inner, stdout=inner, stderr=inner, start_new_session=True,
                                        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(inner)
        return {'err': self.terminal}

    def _read(self, kind, fd):
        while True:
            try:
                data = os.read(fd, 65536)
            except OSError:  # a terminal that nobody holds any more
                return
            if not data:
                return
            self.parts[kind] += data

    def ended(self):
        return self.process.poll() is not None

    def text(self):
        return (self.parts['out'] + self.parts['err']).decode(errors='replace')

    def until_says(self, word, seconds=60):
        try:
            until('', lambda: re.search(word, self.text()) or self.ended(), seconds)
        except Wrong:
            raise Wrong(f'not within {seconds} s: {" ".join(self.command)} says {word!r}; said\n{self.text()}') from None
        if self.ended():
            self._read_to_the_end()
        if not re.search(word, self.text()):
            raise Wrong(f'ended without saying {word!r}\n{self.end()}')
        return self

    def _read_to_the_end(self):
        """Of one that has ended: its last words may not be read yet."""
        for t in self.threads:
            t.join(20)

    def press_ctrl_c(self):
        os.write(self.terminal, b'\x03')

    def kill(self, number):
        self.process.send_signal(number)

    def end(self, seconds=120):
        """`seconds`: since its start."""
        try:
            self.process.wait(max(0.1, seconds - (time.monotonic() - self.started)))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise Wrong(f'still runs after {seconds} s: {" ".join(self.command)}\n{self.text()}') from None
        took = time.monotonic() - self.started
        self._read_to_the_end()
        run = Run(' '.join(self.command), self.process.returncode, self.parts['out'].decode(errors='replace'),
                  self.parts['err'].decode(errors='replace'), took)
        self.runs.append(run)
        return run

    def discard(self):
        if not self.ended():
            self.process.kill()
            self.process.wait()
        if self.terminal is not None:
            os.close(self.terminal)


def printed(run, label):
    """The command behind `label` in what was printed."""
    found = re.search(re.escape(label) + r':?\s+(kubectl .*)', run.out + run.err)
    if not found:
        raise Wrong(f'no command behind {label!r}\n{run}')
    return found.group(1).strip()


def search_path():
    """PATH, with the kubectl that tests/cluster has compiled, if any, before another one."""
    cache = os.environ.get('CLUSTER_CACHE') or os.environ.get('XDG_CACHE_HOME', os.path.expanduser('~/.cache')) + '/kubevirt-cluster'
    return f'{cache}/bin:{os.environ["PATH"]}'


class Plugin:
    """The program as kubectl finds it: on a PATH, with its completion helper beside it."""

    def __init__(self, binary):
        self._folder = tempfile.TemporaryDirectory(prefix='wukong-path-')
        self.home = self._folder.name  # where kubectl keeps what it learned
        self.binary = f'{self._folder.name}/kubectl-wukong'
        self.path = f'{self._folder.name}:{search_path()}'
        os.symlink(os.path.abspath(binary), self.binary)
        os.symlink(f'{ROOT}/completions/kubectl_complete-wukong', f'{self._folder.name}/kubectl_complete-wukong')

    def discard(self):
        self._folder.cleanup()
