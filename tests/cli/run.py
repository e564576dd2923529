#!/usr/bin/env python3
"""The binary as a person or a script runs it, without a cluster: run.py PATH/kubectl-wukong [unittest arguments]."""
import http.server
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import termios
import threading
import time
import unittest

from terminal import Terminal

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))
from support import progress_lines  # noqa: E402

BINARY = ""
COMMANDS = ("clone", "doctor", "version", "completion")
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

    def run_wukong(self, *words, seconds=60, **options):
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

    def test_tells_nothing_of_how_values_are_checked(self):
        for words in (["--help"], *([command, "--help"] for command in COMMANDS)):
            with self.subTest(words=words):
                self.assertNotRegex(self.run_wukong(*words).stdout, r"[A-Z]:[A-Z]{3}|\{|REQUIRED|\.\.\. \.\.\.|[a-z]=[a-z0-9]+ +\w")
        self.assert_prints(self.run_wukong("clone", "--help"), "--count N  ", "--dry-run[=none|client|server]", "(default: 30m)")
        self.assert_prints(self.run_wukong("wait", "--help"), "KIND/NAME...  ")


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
        self.assert_fails(self.run_wukong("version", "--client=maybe"), 2, '--client does not take "maybe"', "true or false")

    def test_no_number(self):
        for count in ("0", "-3", "x", "1.5"):
            run = self.run_wukong("clone", "web", "--count", count)
            self.assert_fails(run, 2, f'--count does not take "{count}"', "a whole number from 1")
            self.assertLess(len(run.stderr), 120, run.stderr)
        self.assert_fails(self.run_wukong("version", "-v", "loud"), 2, '--v does not take "loud"', "a whole number")

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


class Plugin(Cli):
    """A credential plugin that asks the user."""

    def plugin(self, script):
        path = self.folder / "plugin"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        user = (f"exec: {{apiVersion: client.authentication.k8s.io/v1, command: {path}, args: [{self.folder}], "
                "interactiveMode: Always}")
        self.kubeconfig(KUBECONFIG.format(server="https://127.0.0.1:1").replace("token: abc", user))

    def test_has_the_terminal(self):
        self.plugin("printf 'Password: ' >&2; stty -echo; read -r word; echo $word > $1/typed; exit 1")
        with Terminal([BINARY, "version"], self.env) as terminal:
            terminal.wait_for("Password:")
            terminal.wait_until(lambda: not termios.tcgetattr(terminal.fd)[3] & termios.ECHO, "silence")
            terminal.type("hunter2\r")
            self.assertNotEqual(terminal.exit_code(), 0)
            self.assertEqual((self.folder / "typed").read_text(), "hunter2\n")
            self.assertNotIn("hunter2", terminal.text())
            self.assertTrue(termios.tcgetattr(terminal.fd)[3] & termios.ECHO, "the terminal stays silent")

    def test_dies_with_the_terminal_silent(self):
        self.plugin("stty -echo; kill -KILL $$")
        with Terminal([BINARY, "version"], self.env) as terminal:
            self.assertNotEqual(terminal.exit_code(), 0)
            self.assertIn("was ended by signal 9", terminal.text())
            self.assertTrue(termios.tcgetattr(terminal.fd)[3] & termios.ECHO, "the terminal stays silent")

    def test_needs_a_terminal(self):
        self.plugin("echo never >&2")
        run = self.run_wukong("version")
        self.assertNotEqual(run.returncode, 0)
        self.assertIn("needs a terminal", run.stderr)
        self.assertNotIn("never", run.stderr)


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


class Names:
    """An API server that knows a few names."""
    NAMES = {
        "/apis/kubevirt.io/v1/namespaces/demo/virtualmachines": ["web", "web-2", "database"],
        "/apis/snapshot.kubevirt.io/v1beta1/namespaces/demo/virtualmachinesnapshots": ["monday", "tuesday"],
        "/api/v1/namespaces": ["demo", "default", "prod"],
    }

    def __enter__(self):
        names = self.NAMES

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                found = names.get(self.path.split("?")[0])
                items = [{"metadata": {"name": name}} for name in found or []]
                body = json.dumps({"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "items": items}).encode()
                self.send_response(404 if found is None else 200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}"
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


class Unreachable(Cli):
    def test_gives_up_after_half_a_minute(self):
        self.kubeconfig(KUBECONFIG.format(server="https://127.0.0.1:1"))
        began = time.monotonic()
        run = self.run_wukong("clone", "a", "b", seconds=90)
        self.assert_fails(run, 4, "https://127.0.0.1:1", "hint:")
        self.assertTrue(15 < time.monotonic() - began < 50, run.stderr)

    def test_server_flag(self):
        # A name that cannot resolve is no passing trouble: told at once.
        run = self.run_wukong("version", "--token=abc", "--server", "https://nowhere.invalid")
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
                    self.assertEqual(terminal.exit_code(seconds=15), 130, terminal.text())
                    self.assertNotIn("internal", terminal.text())


class Signals(Cli):
    """Before the event loop hears signals, and after, their exit codes are the same."""

    def test_while_the_kubeconfig_is_read(self):
        pipe = self.folder / "pipe"
        os.mkfifo(pipe)
        for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)):
            with subprocess.Popen(["env", "--default-signal=HUP", BINARY, "version", "--kubeconfig", str(pipe)], env=self.env) as child:
                with pipe.open("w"):  # opens when the child does
                    child.send_signal(number)
                    self.assertEqual(child.wait(30), code)

    def test_the_terminal_goes(self):
        """What is written to it then ends nothing early."""
        with Silent() as server:
            self.kubeconfig(KUBECONFIG.format(server=server.address))
            with Terminal(["/usr/bin/env", "--default-signal=HUP", BINARY, "clone", "a", "b"], self.env) as terminal:
                terminal.wait_until(lambda: server.callers >= 2, "a second try")
                self.assertEqual(terminal.hang_up(), 129)

    def test_nohup(self):
        with Silent() as server:
            self.kubeconfig(KUBECONFIG.format(server=server.address))
            with Terminal(["/usr/bin/env", "--ignore-signal=HUP", BINARY, "version", "--request-timeout=2s"], self.env) as terminal:
                terminal.wait_until(lambda: server.callers >= 1, "a try")
                self.assertEqual(terminal.hang_up(), 4)


class Doctor(Cli):
    def test_names_the_step_that_failed(self):
        self.kubeconfig(KUBECONFIG.format(server="https://127.0.0.1:1"))
        run = self.run_wukong("doctor", "--connection", "--request-timeout=1s")
        self.assertEqual(run.returncode, 4, run.stderr)
        self.assertRegex(run.stdout, r"context +here \(cluster here, user me, namespace default\)")
        self.assertRegex(run.stdout, "connect +FAILED: .*127.0.0.1")
        self.assertIn("error: cannot reach https://127.0.0.1:1", run.stderr)
        report = json.loads(self.run_wukong("doctor", "--connection", "-o", "json", "--request-timeout=1s").stdout)
        self.assertEqual(report["steps"][-1]["name"], "connect")
        self.assertIn("cannot reach", report["problem"])

    def test_without_a_cluster(self):
        self.kubeconfig(KUBECONFIG.format(server="https://127.0.0.1:1"))
        run = self.run_wukong("doctor", "--request-timeout=1s")
        self.assertEqual((run.returncode, run.stdout), (4, ""), run.stderr)
        self.assertIn("doctor --connection", run.stderr)

    def test_asks_one_thing_at_a_time(self):
        self.assert_fails(self.run_wukong("doctor", "--connection", "--storage-class", "x"), 2, "one at a time")
        self.assert_fails(self.run_wukong("doctor", "--permissions", "x"), 2, "clone:native")

    def test_no_secret_is_logged(self):
        with Silent() as server:
            self.kubeconfig(KUBECONFIG.format(server=server.address).replace("abc", "t0ps3cret"))
            run = self.run_wukong("doctor", "-v=10", "--request-timeout=1s")
        self.assertNotIn("t0ps3cret", run.stdout + run.stderr)
        self.assertIn("Authorization: Bearer <masked>", run.stderr)
        self.assertRegex(run.stderr, r'(?m)^I\d{4} [\d:.]+ +\d+ http\] "Request" curlCommand=<$')


class Secrets(Cli):
    def test_no_core_file(self):
        with Silent() as server:
            self.kubeconfig(KUBECONFIG.format(server=server.address))
            unlimited = (resource.RLIM_INFINITY, resource.getrlimit(resource.RLIMIT_CORE)[1])
            process = subprocess.Popen([BINARY, "version"], env=self.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                       preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, unlimited))
            self.addCleanup(process.wait)
            self.addCleanup(process.kill)
            end = time.monotonic() + 30
            while server.callers == 0 and time.monotonic() < end:
                time.sleep(0.02)
            limits = pathlib.Path(f"/proc/{process.pid}/limits").read_text()
        self.assertRegex(limits, r"Max core file size +0 ")


class ProgressAsJson(Cli):
    def test_usage_errors_are_lines_of_it(self):
        for words in (["clone"], ["clone", "a", "b", "--bogus"], ["clone", "a", "b", "--timeout=x"], ["clone", "a", "-o", "x"]):
            with self.subTest(words=words):
                run = self.run_wukong(*words, "--progress=json")
                self.assertEqual((run.returncode, progress_lines.problems(run.stderr)), (2, []))
                self.assertEqual(json.loads(run.stderr)["code"], "usage")
        self.assertTrue(self.run_wukong("clone", "--progress=json", "--progress=none").stderr.startswith("error: "))

    def test_the_manual_tells_every_word_of_it(self):
        self.assertEqual(progress_lines.untold(), [])


class Streams(Cli):
    def test_reader_goes_away(self):
        run = subprocess.run(["bash", "-c", 'set -o pipefail; "$0" --help | head -1', BINARY], env=self.env, text=True,
                             capture_output=True, timeout=60, check=False)
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
                             capture_output=True, timeout=60, check=False)
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
                run = subprocess.run([shell, "-n", script], env=self.env, text=True, capture_output=True, timeout=60,
                                     check=False)
                self.assertEqual((run.returncode, run.stderr), (0, ""))

    def test_powershell_prints_a_script(self):
        self.assert_prints(self.run_wukong("completion", "powershell"), "Register-ArgumentCompleter")

    def completes(self, shell, setup, cases, live=False):
        """Types each word and TAB into an interactive shell and waits for the completed line. `live`: with names that a server has, which
        on a busy machine may not come in the 1.5 s that it is given: TAB does nothing then, and whoever types does it again."""
        if not shutil.which(shell[0]):
            self.skipTest(f"{shell[0]} is not installed")
        with Terminal([shutil.which(shell[0]), *shell[1:]], self.env, columns=100) as terminal:
            # What is typed before a shell is ready may get lost.
            terminal.wait_until(lambda: re.search(r"\S[#$%>] $", terminal.typed()), "the shell's own prompt")
            terminal.type(setup + "\r")
            terminal.wait_until(lambda: terminal.typed() == "ready: ", "the prompt")
            for typed, completed in cases:
                line = f"ready: kubectl-wukong {completed}"
                screen = self.screen_without(line, terminal, typed, 15 if live else 60)
                if screen and live:
                    screen = self.screen_without(line, terminal, typed, 60)
                self.assertFalse(screen, f"{line!r} did not come; the screen:\n{screen}")

    def screen_without(self, line, terminal, typed, seconds):
        """What is there instead of the completed line; "" when that came."""
        terminal.type(f"kubectl-wukong {typed}\t")
        screen = "" if terminal.comes(lambda: terminal.typed() == line, seconds) else terminal.text()
        terminal.type("\x15")  # Ctrl-U clears the line
        terminal.wait_until(lambda: terminal.typed() == "ready: ", "an empty line")
        return screen

    def test_bash(self):
        self.completes(
            ["bash", "--norc", "--noprofile"],
            "source <(kubectl-wukong completion bash); PS1='ready: '",
            [("cl", "clone "), ("completion po", "completion powershell "), ("clone --dry", "clone --dry-run "),
             ("version --output y", "version --output yaml ")])

    NAMES = [("clone w", "clone web"), ("clone d", "clone database "), ("clone sn", "clone snapshot/"), ("clone snapshot/m", "clone snapshot/monday "),
             ("-n pr", "-n prod "), ("--context adm", "--context admin@prod "), ("clone --context=he", "clone --context=here ")]
    BREAKS = [("--context admin@p", "--context admin@prod "), ("--context=arn:aws:e", "--context=arn:aws:eks/x "), ("--context ar", "--context arn:aws:eks/x ")]

    def with_names(self, shell, setup, cases):
        with Names() as server:
            odd = "".join(f", {{name: \"{name}\", context: {{cluster: here, user: me}}}}" for name in ("admin@prod", "arn:aws:eks/x"))
            self.kubeconfig(KUBECONFIG.format(server=server.address).replace("user: me}}]", "user: me, namespace: demo}}" + odd + "]"))
            self.completes(shell, setup, cases, live=True)

    def test_bash_live_names(self):
        self.with_names(["bash", "--norc", "--noprofile"], "source <(kubectl-wukong completion bash); PS1='ready: '", self.NAMES + self.BREAKS)

    def test_zsh_live_names(self):
        self.with_names(["zsh", "-f", "-i"],
                        "autoload -Uz compinit && compinit -u -D; source <(kubectl-wukong completion zsh); PS1='ready: '", self.NAMES[:-1] + self.BREAKS[:1] + self.BREAKS[2:])

    def test_fish_live_names(self):
        self.with_names(["fish", "--no-config", "--private"],
                        "kubectl-wukong completion fish | source; function fish_prompt; echo -n 'ready: '; end", self.NAMES[1:-1])

    def test_a_server_that_does_not_answer_is_given_up_silently(self):
        mute = socket.create_server(("127.0.0.1", 0))  # nobody accepts
        self.addCleanup(mute.close)
        for address in (f"https://127.0.0.1:{mute.getsockname()[1]}", "https://127.0.0.1:1", "https://nowhere.invalid", "https://[::1"):
            with self.subTest(server=address):
                self.kubeconfig(KUBECONFIG.format(server=address))
                began = time.monotonic()
                self.assert_prints(self.run_wukong("__complete", "clone", "w"), ":4\n")
                self.assertLess(time.monotonic() - began, 12)  # other commands try for 30
        self.kubeconfig("clusters: [\n")
        self.assert_prints(self.run_wukong("__complete", "clone", "s"), "snapshot/\t\n:6\n")

    def test_a_plugin_that_asks_is_not_asked(self):
        plugin = self.folder / "plugin"
        plugin.write_text("#!/bin/sh\necho loud >&2\nsleep 20\n")
        plugin.chmod(0o755)
        for mode in ("Always", "IfAvailable"):
            user = f"exec: {{apiVersion: client.authentication.k8s.io/v1, command: {plugin}, interactiveMode: {mode}}}"
            self.kubeconfig(KUBECONFIG.format(server="https://127.0.0.1:1").replace("token: abc", user))
            with self.subTest(mode=mode), Terminal([BINARY, "__complete", "clone", "w"], self.env) as terminal:
                self.assertEqual(terminal.exit_code(seconds=15), 0)  # the plugin takes 20
                self.assertEqual(terminal.text(), ":4")

    def test_bash_value_behind_equals(self):
        self.completes(
            ["bash", "--norc", "--noprofile"],
            "source <(kubectl-wukong completion bash); PS1='ready: '",
            [("version --output=y", "version --output=yaml ")])

    def test_zsh(self):
        self.completes(
            ["zsh", "-f", "-i"],
            "autoload -Uz compinit && compinit -u -D; source <(kubectl-wukong completion zsh); PS1='ready: '",
            [("cl", "clone "), ("completion po", "completion powershell "), ("version --output y", "version --output yaml ")])

    def test_fish(self):
        self.completes(
            ["fish", "--no-config", "--private"],
            "kubectl-wukong completion fish | source; function fish_prompt; echo -n 'ready: '; end",
            [("cl", "clone "), ("completion po", "completion powershell ")])

    def test_powershell(self):
        """Where somebody has one: Debian has none. What PSReadLine asks at TAB, asked directly."""
        if not shutil.which("pwsh"):
            self.skipTest("pwsh is not installed")
        line = "kubectl-wukong "
        cases = [("cl", None, "clone"), ("completion po", None, "powershell"), ("completion ", None, "bash fish powershell zsh"),
                 ("clone --dry", None, "--dry-run"), ("version --output=y", None, "--output=yaml"), ("version -o 'y", None, "yaml"),
                 ("cl web", 2, "clone"), ("completion  --help", 11, "bash fish powershell zsh"), ("wait --timeout ", None, "")]
        script = "kubectl-wukong completion powershell | Out-String | Invoke-Expression\n"
        for typed, column, _ in cases:
            quoted = (line + typed).replace("'", "''")
            at = len(line) + (len(typed) if column is None else column)
            script += f"'[' + ((TabExpansion2 -inputScript '{quoted}' -cursorColumn {at}).CompletionMatches.CompletionText -join ' ') + ']'\n"
        run = subprocess.run(["pwsh", "-NoProfile", "-NonInteractive", "-Command", script], env=self.env, text=True, capture_output=True,
                             timeout=120, check=False)
        self.assertEqual(run.stdout.split("\n")[:-1], [f"[{wanted}]" for _, _, wanted in cases], run.stderr)


if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    BINARY = str(pathlib.Path(sys.argv.pop(1)).resolve(strict=True))
    unittest.main(verbosity=2)
