"""A program in a pseudo-terminal, and the screen that a person would see."""
import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time

import pyte


class Terminal:
    """`with Terminal([...], env) as t: t.wait_for("$"); t.type("...\\r"); t.exit_code()`."""

    def __init__(self, words, env, columns=80, lines=24):
        self.screen = pyte.Screen(columns, lines)
        self.stream = pyte.ByteStream(self.screen)
        self.raw = b""
        self.status = None
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            try:
                os.execve(words[0], words, env)
            finally:
                os._exit(127)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        if self.fd is not None:
            os.close(self.fd)

    def type(self, text):
        os.write(self.fd, text.encode())

    def text(self):
        """The lines of the screen, without trailing blanks."""
        return "\n".join(line.rstrip() for line in self.screen.display).rstrip()

    def typed(self):
        """The line with the cursor, up to the cursor."""
        return self.screen.display[self.screen.cursor.y][:self.screen.cursor.x]

    def hang_up(self, seconds=60):
        """The terminal goes, as with a dropped ssh session; returns the exit code."""
        os.close(self.fd)
        self.fd = None
        end = time.monotonic() + seconds
        while (ended := os.waitpid(self.pid, os.WNOHANG))[0] == 0:
            if time.monotonic() > end:
                raise AssertionError("still running without a terminal")
            time.sleep(0.05)
        self.status = os.waitstatus_to_exitcode(ended[1])
        return self.status

    def read(self, seconds):
        """Feeds the screen with what comes; False at the end of the output."""
        if not select.select([self.fd], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self.fd, 65536)
        except OSError:  # EIO: the program has closed the terminal
            return False
        self.raw += data
        self.stream.feed(data)
        return bool(data)

    def comes(self, wanted, seconds=60):
        end = time.monotonic() + seconds
        while not wanted():
            if time.monotonic() > end or not self.read(0.2):
                return False
        return True

    def wait_until(self, wanted, what, seconds=60):
        if not self.comes(wanted, seconds):
            raise AssertionError(f"{what} did not come; the screen:\n{self.text()}")

    def wait_for(self, text, seconds=60):
        self.wait_until(lambda: text in self.text(), repr(text), seconds)

    def exit_code(self, seconds=60):
        end = time.monotonic() + seconds
        while self.read(0.2):
            if time.monotonic() > end:
                raise AssertionError(f"still running; the screen:\n{self.text()}")
        self.status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.status
