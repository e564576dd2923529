#!/usr/bin/env python3
"""The binary as a person or a script runs it, without a cluster: run.py PATH/kubectl-wukong [unittest arguments]."""
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from terminal import Terminal

BINARY = ""
COMMANDS = ("clone", "version", "completion")
KUBECONFIG = """\
apiVersion: v1
kind: Config
current-context: here
contexts: [{{name: here, context: {{cluster: here, user: me}}}}]
clusters: [{{name: here, cluster: {{server: "{server}"}}}}]
users: [{{name: me, user: {{token: abc}}}}]
"""


class Cli(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.env = {
            "PATH": f"{pathlib.Path(BINARY).parent}:{os.environ['PATH']}",
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            "TERM": "xterm-256color",
        }
        for name, value in os.environ.items():
            if name.endswith("SAN_OPTIONS"):
                self.env[name] = value

    def run_wukong(self, *words, seconds=20, **options):
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
        return subprocess.run([BINARY, *words], env=self.env, text=True, stdin=subprocess.DEVNULL, timeout=seconds,
                              check=False, **options)

    def kubeconfig(self, content):
        path = self.folder / "kubeconfig"
        path.write_text(content)
        self.env["KUBECONFIG"] = str(path)

    def assert_fails(self, run, code, *said):
        """Nothing on stdout, and an error with these words on stderr."""
        self.assertEqual((run.returncode, run.stdout), (code, ""), run.stderr)
        self.assertTrue(run.stderr.startswith("error: "), run.stderr)
        for words in said:
            self.assertIn(words, run.stderr)

    def assert_prints(self, run, *said):
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        for words in said:
            self.assertIn(words, run.stdout)


class Help(Cli):
    def test_names_every_command(self):
        for words in ([], ["--help"], ["-h"]):
            self.assert_prints(self.run_wukong(*words), "kubectl wukong", *COMMANDS)

    def test_clone(self):
        run = self.run_wukong("clone", "--help")
        self.assert_prints(run, "kubectl wukong clone", "SOURCE", "--wait", "--dry-run", "--output")

    def test_fits_a_terminal_and_has_no_escapes_in_a_pipe(self):
        for words in (["--help"], *([command, "--help"] for command in COMMANDS)):
            self.assertNotIn("\x1b", self.run_wukong(*words).stdout)


class Version(Cli):
    def test_text(self):
        run = self.run_wukong("version", "--client")
        self.assert_prints(run, "Client Version: ")
        self.assertEqual(run.stdout.count("\n"), 1)

    def test_json(self):
        run = self.run_wukong("version", "--client", "-o", "json")
        self.assert_prints(run)
        self.assertRegex(json.loads(run.stdout)["clientVersion"]["gitVersion"], r"^v?\d+\.\d+\.\d+")

    def test_yaml(self):
        self.assert_prints(self.run_wukong("version", "--client", "-oyaml"), "clientVersion:\n  git", "gitVersion: ")

    def test_formats_agree(self):
        version = json.loads(self.run_wukong("version", "--client", "-o=json").stdout)["clientVersion"]["gitVersion"]
        self.assertIn(version, self.run_wukong("version", "--client").stdout)
        self.assertIn(version, self.run_wukong("version", "--client", "--output=yaml").stdout)


class Usage(Cli):
    def test_unknown_command(self):
        self.assert_fails(self.run_wukong("clnoe", "a", "b"), 2, "clnoe", "hint:", "clone")

    def test_unknown_flag(self):
        self.assert_fails(self.run_wukong("clone", "a", "b", "--wiat"), 2, "--wiat", "hint:", "--wait")

    def test_unknown_global_flag(self):
        self.assert_fails(self.run_wukong("--namespcae", "x"), 2, "--namespcae", "--namespace")

    def test_nothing_alike(self):
        self.assert_fails(self.run_wukong("qqqqqqqq"), 2, "qqqqqqqq", "--help")

    def test_unknown_output_format(self):
        self.assert_fails(self.run_wukong("version", "--client", "-o", "jsn"), 2, "jsn", "json")

    def test_flag_without_value(self):
        self.assert_fails(self.run_wukong("version", "--client", "-o"), 2, "-o")

    def test_value_for_a_boolean(self):
        self.assert_prints(self.run_wukong("version", "--client=true"), "Client Version: ")
        self.assert_fails(self.run_wukong("version", "--client=maybe"), 2, "maybe")

    def test_source_is_needed(self):
        self.assert_fails(self.run_wukong("clone"), 2, "SOURCE", "kubectl wukong clone --help")

    def test_too_many_words(self):
        self.assert_fails(self.run_wukong("clone", "a", "b", "c"), 2, "c")

    def test_control_characters_do_not_reach_the_terminal(self):
        run = self.run_wukong("cl\x1b[31mone")
        self.assert_fails(run, 2)
        self.assertNotIn("\x1b", run.stderr)


class Kubeconfig(Cli):
    def test_none(self):
        self.assert_fails(self.run_wukong("clone", "a", "b"), 4, ".kube/config", "hint:", "KUBECONFIG")

    def test_no_home(self):
        del self.env["HOME"]
        self.assert_fails(self.run_wukong("clone", "a", "b"), 4, "KUBECONFIG")

    def test_named_file_is_missing(self):
        self.assert_fails(self.run_wukong("clone", "a", "b", "--kubeconfig", "/nowhere/config"), 2, "/nowhere/config")

    def test_bad_yaml(self):
        self.kubeconfig("clusters: [\n")
        self.assert_fails(self.run_wukong("clone", "a", "b"), 2, self.env["KUBECONFIG"], "line ")

    def test_not_a_kubeconfig(self):
        self.kubeconfig("just text\n")
        self.assert_fails(self.run_wukong("clone", "a", "b"), 2, self.env["KUBECONFIG"])

    def test_unknown_context(self):
        self.kubeconfig(KUBECONFIG.format(server="https://127.0.0.1:1"))
        self.assert_fails(self.run_wukong("clone", "a", "b", "--context", "heer"), 2, "heer", "here")

    def test_client_version_needs_none(self):
        self.kubeconfig("clusters: [\n")
        self.assert_prints(self.run_wukong("version", "--client"), "Client Version: ")


class Silent:
    """A server that hangs up on every caller, and counts them."""

    def __enter__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"https://127.0.0.1:{self.socket.getsockname()[1]}"
        self.callers = 0
        threading.Thread(target=self.serve, daemon=True).start()
        return self

    def serve(self):
        while True:
            try:
                self.socket.accept()[0].close()
            except OSError:
                return
            self.callers += 1

    def __exit__(self, *_):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


class Unreachable(Cli):
    def test_gives_up_after_half_a_minute(self):
        self.kubeconfig(KUBECONFIG.format(server="https://127.0.0.1:1"))
        began = time.monotonic()
        run = self.run_wukong("clone", "a", "b", seconds=60)
        self.assert_fails(run, 4, "https://127.0.0.1:1", "hint:")
        self.assertTrue(15 < time.monotonic() - began < 36, run.stderr)

    def test_server_flag(self):
        # A name that cannot resolve is no passing trouble: told at once.
        run = self.run_wukong("version", "--server", "https://nowhere.invalid", seconds=40)
        self.assertEqual(run.returncode, 4, run.stderr)
        self.assertIn("nowhere.invalid", run.stderr)
        self.assertIn("Client Version: ", run.stdout)

    def test_ctrl_c_while_it_tries_again(self):
        for command in (["clone", "a", "b"], ["version"]):
            with self.subTest(command=command[0]), Silent() as server:
                self.kubeconfig(KUBECONFIG.format(server=server.address))
                with Terminal([BINARY, *command], self.env) as terminal:
                    terminal.wait_until(lambda s=server: s.callers >= 2, "a second try")
                    terminal.type("\x03")
                    self.assertEqual(terminal.exit_code(seconds=5), 130, terminal.text())
                    self.assertNotIn("internal", terminal.text())


class Streams(Cli):
    def test_reader_goes_away(self):
        run = subprocess.run(["bash", "-c", 'set -o pipefail; "$0" --help | head -1', BINARY], env=self.env, text=True,
                             capture_output=True, timeout=20, check=False)
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        self.assertEqual(run.stdout.count("\n"), 1)

    def test_no_reader_at_all(self):
        reader, writer = os.pipe()
        os.close(reader)
        run = self.run_wukong("--help", stdout=writer)
        os.close(writer)
        self.assertIn(run.returncode, (0, 1, -signal.SIGPIPE), run.stderr)  # as kubectl: the signal ends it
        self.assertNotIn("internal", run.stderr)

    def test_closed_stdout(self):
        run = subprocess.run(["bash", "-c", '"$0" version --client >&-', BINARY], env=self.env, text=True,
                             capture_output=True, timeout=20, check=False)
        self.assertIn(run.returncode, (0, 1), run.stderr)

    def test_full_disk(self):
        with open("/dev/full", "w") as full:
            run = self.run_wukong("version", "--client", stdout=full)
        self.assertEqual(run.returncode, 1)
        self.assertIn("No space left", run.stderr)

    def test_full_disk_for_errors(self):
        with open("/dev/full", "w") as full:
            self.assertEqual(self.run_wukong("clnoe", stderr=full).returncode, 2)


class Colour(Cli):
    def screen_of(self, *words):
        with Terminal([BINARY, *words], self.env) as terminal:
            return terminal.exit_code(), terminal

    def test_error_on_a_terminal(self):
        code, terminal = self.screen_of("clnoe")
        self.assertEqual(code, 2)
        self.assertTrue(terminal.text().startswith("error: "), terminal.text())
        self.assertIn(b"\x1b[", terminal.raw)

    def test_no_color(self):
        self.env["NO_COLOR"] = "1"
        self.assertNotIn(b"\x1b", self.screen_of("clnoe")[1].raw)

    def test_color_never(self):
        self.assertNotIn(b"\x1b", self.screen_of("clone", "a", "--color=never")[1].raw)

    def test_color_never_and_unknown_command(self):
        self.assertNotIn(b"\x1b", self.screen_of("clnoe", "--color=never")[1].raw)

    def test_piped(self):
        self.assertNotIn("\x1b", self.run_wukong("clnoe").stderr)

    def test_help_fits_80_columns(self):
        for words in (["--help"], *([command, "--help"] for command in COMMANDS)):
            with self.subTest(words=words):
                long = [line for line in self.run_wukong(*words).stdout.splitlines() if len(line) > 80]
                self.assertEqual(long, [])


class Completion(Cli):
    def test_unknown_shell(self):
        self.assert_fails(self.run_wukong("completion", "tcsh"), 2, "tcsh", "bash")

    def test_shells_accept_the_script(self):
        for shell in ("bash", "zsh", "fish"):
            with self.subTest(shell=shell):
                if not shutil.which(shell):
                    self.skipTest(f"{shell} is not installed")
                script = self.folder / "script"
                script.write_text(self.run_wukong("completion", shell).stdout)
                run = subprocess.run([shell, "-n", script], env=self.env, text=True, capture_output=True, timeout=20,
                                     check=False)
                self.assertEqual((run.returncode, run.stderr), (0, ""))

    def test_powershell_prints_a_script(self):
        self.assert_prints(self.run_wukong("completion", "powershell"), "Register-ArgumentCompleter")

    def completes(self, shell, setup, cases):
        """Types each word and TAB into an interactive shell and waits for the completed line."""
        if not shutil.which(shell[0]):
            self.skipTest(f"{shell[0]} is not installed")
        with Terminal([shutil.which(shell[0]), *shell[1:]], self.env, columns=100) as terminal:
            terminal.type(setup + "\r")
            terminal.wait_until(lambda: terminal.typed() == "ready: ", "the prompt")
            for typed, completed in cases:
                terminal.type(f"kubectl-wukong {typed}\t")
                line = f"ready: kubectl-wukong {completed}"
                terminal.wait_until(lambda: terminal.typed() == line, repr(line), seconds=10)
                terminal.type("\x15")  # Ctrl-U clears the line
                terminal.wait_until(lambda: terminal.typed() == "ready: ", "an empty line")

    def test_bash(self):
        self.completes(
            ["bash", "--norc", "--noprofile"],
            "source <(kubectl-wukong completion bash); PS1='ready: '",
            [("cl", "clone "), ("completion po", "completion powershell "), ("clone --dry", "clone --dry-run "),
             ("version --output j", "version --output json ")])

    def test_bash_value_behind_equals(self):
        self.completes(
            ["bash", "--norc", "--noprofile"],
            "source <(kubectl-wukong completion bash); PS1='ready: '",
            [("version --output=j", "version --output=json ")])

    def test_zsh(self):
        self.completes(
            ["zsh", "-f", "-i"],
            "autoload -Uz compinit && compinit -u -D; source <(kubectl-wukong completion zsh); PS1='ready: '",
            [("cl", "clone "), ("completion po", "completion powershell "), ("version --output j", "version --output json ")])

    def test_fish(self):
        self.completes(
            ["fish", "--no-config", "--private"],
            "kubectl-wukong completion fish | source; function fish_prompt; echo -n 'ready: '; end",
            [("cl", "clone "), ("completion po", "completion powershell ")])


if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    BINARY = str(pathlib.Path(sys.argv.pop(1)).resolve(strict=True))
    unittest.main(verbosity=2)
