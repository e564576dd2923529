#!/usr/bin/env python3
"""kubectl-wukong through networks as they are: run.py KUBECTL_WUKONG SANDBOX FAULT_PROXY [--long] [unittest arguments]

The cluster is a simulated one (wukong-sandbox). Proxies, path prefixes, IPv6, certificates, outages, hostile answers.
--long: the cases that take minutes, on the cluster of $KUBECONFIG with source VM $SOURCE in namespace $NAMESPACE."""
import base64
import http.server
import json
import os
import pathlib
import pty
import re
import select
import shutil
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.request

import yaml

from meddler import Meddler
from proxies import ConnectProxy, Relay, SocksProxy

LONG = "--long" in sys.argv
BINARY, SANDBOX, PROXY = (os.path.abspath(word) for word in sys.argv[1:4])
#: No letter of these may reach a terminal: C0 but line breaks, DEL, C1, marks that turn the direction of text.
FORBIDDEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
EVIL = "evil\x1b]0;title\x07\x1b[2J\x9b31m\u202egnp.exe\u2066\r\x08\x7f"


def fields_of(kubeconfig):
    """The fields of a kubeconfig with one cluster, by name, wherever they stand."""
    fields = {}

    def collect(value):
        for name, inner in value.items() if isinstance(value, dict) else enumerate(value):
            if isinstance(inner, (dict, list)):
                collect(inner)
            else:
                fields[name] = inner

    collect(yaml.safe_load(kubeconfig))
    return fields


class Base(unittest.TestCase):
    speed = "20"

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="network-"))
        subprocess.run([SANDBOX, "up", "--dir", cls.folder / "home", "--speed", cls.speed], check=True, capture_output=True, timeout=60)
        cls.sandbox_kubeconfig = (cls.folder / "home/kubeconfig").read_text()
        fields = fields_of(cls.sandbox_kubeconfig)
        cls.server, cls.ca, cls.token = fields["server"], fields["certificate-authority-data"], fields["token"]
        cls.port = int(cls.server.rsplit(":", 1)[1])
        cls.context = ssl.create_default_context(cadata=base64.b64decode(cls.ca).decode())
        cls.count = 0

    @classmethod
    def tearDownClass(cls):
        subprocess.run([SANDBOX, "down", "--dir", cls.folder / "home"], check=True, capture_output=True, timeout=60)
        shutil.rmtree(cls.folder)

    def setUp(self):
        kept = {name: value for name, value in os.environ.items() if name == "PATH" or name.endswith("SAN_OPTIONS")}
        self.env = {"HOME": str(self.folder), "LANG": "C.UTF-8", "TERM": "xterm", **kept}

    def target(self):
        type(self).count += 1
        return f"copy-{self.count}"

    def kubeconfig(self, **cluster):
        """The sandbox' cluster with other fields; by token, for TLS may end on the way."""
        fields = {"server": self.server, "certificate-authority-data": self.ca} | {name.replace("_", "-"): value for name, value in cluster.items()}
        config = {"apiVersion": "v1", "kind": "Config", "current-context": "c",
                  "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u", "namespace": "demo"}}],
                  "clusters": [{"name": "k", "cluster": {name: value for name, value in fields.items() if value is not None}}],
                  "users": [{"name": "u", "user": {"token": self.token}}]}
        path = self.folder / "kubeconfig"
        path.write_text(json.dumps(config))
        self.env["KUBECONFIG"] = str(path)

    def start(self, *words):
        return subprocess.Popen([BINARY, *words], env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def ended(self, process, code, seconds=120):
        out, err = process.communicate(timeout=seconds)
        said = (out + err).decode(errors="replace")
        self.assertEqual(process.returncode, code, said)
        self.assertNotRegex(said, "Sanitizer|runtime error")
        return said

    def clone(self, *words, code=0, target=None, seconds=120):
        return self.ended(self.start("clone", "web", target or self.target(), "--wait", *words), code, seconds)

    def assert_quick(self, began, seconds):
        self.assertLess(time.monotonic() - began, seconds)

    def api(self, method, path, body):
        """Past everything."""
        request = urllib.request.Request(self.server + path, json.dumps(body).encode(), method=method, headers={
            "Authorization": "Bearer " + self.token, "Content-Type": "application/merge-patch+json"})
        return urllib.request.urlopen(request, context=self.context, timeout=60).read()


class FaultProxy:
    """wukong-fault-proxy before a kubeconfig's cluster."""

    def __init__(self, kubeconfig, mode, folder, rules=()):
        self.kubeconfig, script = f"{folder}/through", f"{folder}/script"
        pathlib.Path(script).write_text(json.dumps({"rules": list(rules)}))
        self.process = subprocess.Popen(
            [PROXY, "--kubeconfig", kubeconfig, "--write-kubeconfig", self.kubeconfig, "--mode", mode, "--script", script],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.told = []
        self.listener = threading.Thread(target=self.listen, daemon=True)
        self.listener.start()
        assert self.process.stdout.readline(), self.told

    def say(self, command):
        """Until it is obeyed: a line tells."""
        before = len(self.told)
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        end = time.monotonic() + 60
        while not any(re.search(" all: | healed| rotated", line) for line in self.told[before:]):
            assert time.monotonic() < end, (command, self.told)
            time.sleep(0.01)

    def listen(self):
        for line in self.process.stderr:
            self.told.append(line)

    def close(self):
        self.process.stdin.close()
        self.process.wait(60)
        self.listener.join()
        self.process.stdout.close()
        self.process.stderr.close()
        return "".join(self.told)


def openssl(*words):
    subprocess.run(["openssl", *words], check=True, capture_output=True, timeout=60)


class CertificateServer:
    """Answers 401 to the client certificate "first", after having called `refused`, and to "second" what an API server says of itself."""

    def __init__(self, folder, refused):
        self.folder, self.seen = folder, []
        self.make("server", "-addext", "subjectAltName=IP:127.0.0.1")
        for name in ("first", "second"):
            self.make(name)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(f"{folder}/server.crt", f"{folder}/server.key")
        tls.verify_mode = ssl.CERT_REQUIRED
        for name in ("first", "second"):
            tls.load_verify_locations(f"{folder}/{name}.crt")

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(handler):
                who = dict(pair for part in handler.connection.getpeercert()["subject"] for pair in part)["commonName"]
                self.seen.append(who)
                if who == "first":
                    refused()
                body = json.dumps({"gitVersion": "v1.2.3", "major": "1", "minor": "2"}).encode()
                handler.send_response(401 if who == "first" else 200)
                handler.send_header("Content-Type", "application/json")
                handler.send_header("Content-Length", str(len(body)))
                handler.end_headers()
                handler.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def make(self, name, *more):
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1", "-subj", f"/CN={name}", *more,
                "-keyout", f"{self.folder}/{name}.key", "-out", f"{self.folder}/{name}.crt")

    def issue(self, name):
        """In one moment each, for another request may be reading them; and two may be refused at once."""
        for end in ("key", "crt"):
            made = f"{self.folder}/{threading.get_ident()}.{end}"
            shutil.copy(f"{self.folder}/{name}.{end}", made)
            os.replace(made, f"{self.folder}/me.{end}")

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Proxies(Base):
    def listener(self, made):
        self.addCleanup(made.close)
        return made

    def test_http_with_password(self):
        proxy = self.listener(ConnectProxy(self.port, "jo:p@ss w"))
        self.kubeconfig(proxy_url=f"http://jo:p%40ss%20w@127.0.0.1:{proxy.port}")
        self.clone()
        self.assertEqual(set(proxy.seen), {f"CONNECT 127.0.0.1:{self.port} HTTP/1.1"})

    def test_wrong_password(self):
        proxy = self.listener(ConnectProxy(self.port, "jo:right"))
        self.kubeconfig(proxy_url=f"http://jo:wrong@127.0.0.1:{proxy.port}")
        began = time.monotonic()
        said = self.clone(code=4)
        self.assert_quick(began, 20)  # another try would take 30
        self.assertIn("407", said)
        self.assertIn("proxy-url", said)
        self.assertNotIn("wrong", said)

    def test_https(self):
        folder = str(self.folder)
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1", "-subj", "/CN=proxy",
                "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", folder + "/key.pem", "-out", folder + "/cert.pem")
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(folder + "/cert.pem", folder + "/key.pem")
        proxy = self.listener(ConnectProxy(self.port, tls=tls))
        both = base64.b64decode(self.ca) + (self.folder / "cert.pem").read_bytes()
        self.kubeconfig(proxy_url=f"https://127.0.0.1:{proxy.port}", certificate_authority_data=base64.b64encode(both).decode())
        self.clone()
        self.assertTrue(proxy.seen)
        self.kubeconfig(proxy_url=f"https://127.0.0.1:{proxy.port}")
        self.assertIn("certificate", self.clone(code=4))

    def test_socks_resolves_names(self):
        proxy = self.listener(SocksProxy(self.port))
        self.kubeconfig(server="https://api.invalid:6443", tls_server_name="localhost", proxy_url=f"socks5://127.0.0.1:{proxy.port}")
        self.clone()
        self.assertEqual(set(proxy.seen), {"name api.invalid:6443"})

    def test_environment(self):
        proxy = self.listener(ConnectProxy(self.port))
        self.kubeconfig(server="https://api.invalid:6443", tls_server_name="localhost")
        self.env |= {"HTTPS_PROXY": f"127.0.0.1:{proxy.port}", "https_proxy": "http://127.0.0.1:1", "ALL_PROXY": "http://127.0.0.1:1",
                     "NO_PROXY": "other.invalid,10.0.0.0/8"}
        self.clone()
        self.assertEqual(set(proxy.seen), {"CONNECT api.invalid:6443 HTTP/1.1"})
        self.env["NO_PROXY"] = ".invalid"
        said = self.clone("--request-timeout", "2s", code=4)
        self.assertIn("api.invalid", said)

    def test_environment_is_not_for_the_loopback_but_a_kubeconfig_is(self):
        self.env |= {"HTTPS_PROXY": "http://127.0.0.1:1", "HTTP_PROXY": "http://127.0.0.1:1"}
        self.kubeconfig()
        self.clone()
        proxy = self.listener(ConnectProxy(self.port))
        self.env["NO_PROXY"] = "*"
        self.kubeconfig(proxy_url=f"http://127.0.0.1:{proxy.port}")
        self.clone()
        self.assertTrue(proxy.seen)

    def test_dead_proxy(self):
        self.kubeconfig(proxy_url="http://127.0.0.1:1")
        began = time.monotonic()
        self.assertIn("127.0.0.1 port 1", self.clone("--request-timeout", "2s", code=4))
        self.assert_quick(began, 20)


class Addresses(Base):
    def test_ipv6(self):
        relay = Relay(self.port, "::1")
        self.addCleanup(relay.close)
        self.kubeconfig(server=f"https://[::1]:{relay.port}", tls_server_name="127.0.0.1")
        self.clone()
        self.kubeconfig(server=f"https://[::1]:{relay.port}", tls_server_name="localhost")
        self.clone()

    def test_authorities_of_the_environment(self):
        """Without a certificate authority in the kubeconfig, as Go: SSL_CERT_FILE, and any file in the folders of SSL_CERT_DIR."""
        self.kubeconfig(certificate_authority_data=None)
        self.assertIn("certificate", self.clone(code=4))
        folder = self.folder / "authorities"
        folder.mkdir()
        (folder / "corporate").write_bytes(base64.b64decode(self.ca))
        for more in ({"SSL_CERT_FILE": f"{folder}/corporate"}, {"SSL_CERT_DIR": f"/nowhere:{folder}"}):
            with self.subTest(**more):
                self.env |= more
                self.clone()
                self.env = {name: value for name, value in self.env.items() if not name.startswith("SSL_")}

    def test_wrong_name(self):
        self.kubeconfig(tls_server_name="elsewhere.example")
        began = time.monotonic()
        said = self.clone(code=4)
        self.assert_quick(began, 20)
        self.assertIn("cannot verify the certificate", said)
        self.assertIn("--tls-server-name", said)
        self.clone("--tls-server-name", "localhost")

    def test_prefix(self):
        meddler = Meddler(self.server, self.token, self.context, "/k8s/clusters/c-1")
        self.addCleanup(meddler.close)
        self.kubeconfig(server=meddler.url)
        self.clone()
        self.kubeconfig(server=meddler.url + "/")
        self.clone()

    def test_name_that_does_not_resolve(self):
        self.kubeconfig(server="https://api.invalid:6443")
        said = self.clone("--request-timeout", "2s", code=4)
        self.assertIn("api.invalid", said)
        self.assertIn("check the server's name", said)


SILENT_DNS = """
import os, socket, subprocess, sys
open(sys.argv[1] + "/resolv.conf", "w").write("nameserver 127.0.0.1")
for words in (["ip", "link", "set", "lo", "up"], ["mount", "--bind", sys.argv[1] + "/resolv.conf", "/etc/resolv.conf"]):
    subprocess.run(words, check=True)
silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
silent.bind(("127.0.0.1", 53))
sys.exit(subprocess.run(sys.argv[2:]).returncode)
"""


class Names(Base):
    @unittest.skipIf(os.geteuid() != 0, "needs root, for namespaces")
    def test_name_server_that_says_nothing(self):
        self.kubeconfig(server="https://api.example.org:6443")
        began = time.monotonic()
        process = subprocess.run(["unshare", "-mn", sys.executable, "-c", SILENT_DNS, self.folder, BINARY, "clone", "web", "x", "--request-timeout", "2s"],
                                 env=self.env, capture_output=True, text=True, timeout=60, check=False)
        self.assert_quick(began, 20)
        self.assertEqual(process.returncode, 4, process.stderr)
        self.assertIn("Resolving timed out", process.stderr)
        self.assertIn("check the server's name", process.stderr)


class RenewedCertificate(unittest.TestCase):
    """Whoever renews client certificates writes the files anew while programs run."""

    def test_in_mid_run(self):
        with tempfile.TemporaryDirectory() as folder:
            server = CertificateServer(folder, lambda: server.issue("second"))
            self.addCleanup(server.close)
            server.issue("first")
            config = {"apiVersion": "v1", "kind": "Config", "current-context": "c", "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
                      "clusters": [{"name": "k", "cluster": {"server": f"https://127.0.0.1:{server.port}", "certificate-authority": f"{folder}/server.crt"}}],
                      "users": [{"name": "u", "user": {"client-certificate": "me.crt", "client-key": "me.key"}}]}
            pathlib.Path(f"{folder}/config").write_text(json.dumps(config))
            run = subprocess.run([BINARY, "version", "-o", "json", "--kubeconfig", f"{folder}/config"], capture_output=True, text=True, timeout=60,
                                 check=False, env={**os.environ, "HOME": folder})
            self.assertIn('"v1.2.3"', run.stdout, run.stderr)
            self.assertEqual((server.seen[0], server.seen[-1]), ("first", "second"))


class Faults(Base):
    speed = "2"  # a clone takes some seconds, for faults to fall into

    def through(self, mode, rules=()):
        proxy = FaultProxy(f"{self.folder}/home/kubeconfig", mode, self.folder, rules)
        self.addCleanup(proxy.close)
        self.env["KUBECONFIG"] = proxy.kubeconfig
        return proxy

    def waiting(self, *words):
        """A clone whose object is made and whose wait has begun."""
        process = self.start("clone", "web", self.target(), "-n", "demo", "--wait", "--progress", "plain", *words)
        line = b""
        while b"Snapshot" not in line and b"Creating" not in line and process.poll() is None:
            line = process.stderr.readline()
        return process

    def test_http1_only(self):
        self.through("tls")
        self.clone("-n", "demo")

    def test_request_timeout(self):
        proxy = self.through("tcp")
        proxy.say("blackhole")
        began = time.monotonic()
        said = self.clone("-n", "demo", "--request-timeout", "1s", code=4)
        self.assert_quick(began, 20)
        self.assertIn("cannot reach", said)

    def test_slow_bytes(self):
        proxy = self.through("tcp")
        proxy.say("throttle 40000")
        self.clone("-n", "demo")

    def slow_storage(self):
        """A new volume takes six seconds at this speed: a clone does not end before the proxy has heard what to do."""
        path = "/apis/storage.k8s.io/v1/storageclasses/fast"
        self.api("PATCH", path, {"parameters": {"delay": "12s"}})
        self.addCleanup(self.api, "PATCH", path, {"parameters": None})

    def test_outage_in_mid_watch(self):
        self.slow_storage()
        proxy = self.through("tcp")
        process = self.waiting("--timeout", "60s")
        proxy.say("refuse 10s")
        began = time.monotonic()
        self.ended(process, 0)
        self.assertGreater(time.monotonic() - began, 9)

    def test_certificate_rotated_in_mid_watch(self):
        self.slow_storage()
        proxy = self.through("tls")
        process = self.waiting("--timeout", "60s")
        proxy.say("rotate")
        proxy.say("reset")
        self.ended(process, 0)

    def test_busy(self):
        self.through("tls", [{"path": "virtualmachineclones", "fault": "status", "status": 429, "retry_after": 1, "times": 3},
                             {"path": "persistentvolumeclaims", "fault": "status", "status": 429, "times": 2}])
        self.clone("-n", "demo")

    def test_busy_for_ever(self):
        self.through("tls", [{"method": "POST", "path": "/virtualmachineclones", "fault": "status", "status": 429, "times": 0}])
        said = self.clone("-n", "demo", "--timeout", "2s", code=4)
        self.assertIn("429", said)
        self.assertNotIn("may have been created", said)

    def test_reads_that_fail_once(self):
        self.through("tls", [{"method": "GET", "path": "virtualmachines/web$", "fault": "status", "status": 500}])
        self.clone("-n", "demo")


class Meddled(Base):
    def setUp(self):
        super().setUp()
        self.meddler = Meddler(self.server, self.token, self.context)
        self.addCleanup(self.meddler.close)
        self.kubeconfig(server=self.meddler.url)

    def test_compression(self):
        self.meddler.compresses = True
        self.clone()
        asked = [headers.get("Accept-Encoding") for _, target, headers in self.meddler.seen if "watch=true" not in target]
        self.assertEqual(set(asked), {"gzip"})
        self.meddler.seen.clear()
        self.kubeconfig(server=self.meddler.url, disable_compression=True)
        self.clone()
        self.assertFalse([headers for _, _, headers in self.meddler.seen if "Accept-Encoding" in headers])

    def test_log_has_the_bodies_of_lists(self):
        self.kubeconfig()
        self.assertRegex(self.clone("--dry-run", "-v=8"), '"Response Body" body=.*KubeVirtList')

    def test_pages(self):
        self.meddler.upstream_limit = 1
        self.clone()
        self.assertTrue([target for _, target, _ in self.meddler.seen if "continue=" in target])

    def test_pages_that_expire(self):
        gone = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 410, "reason": "Expired", "message": "too old"}
        self.meddler.upstream_limit = 1
        self.meddler.instead = lambda method, target: (410, [], json.dumps(gone).encode()) if "continue=" in target else None
        self.clone()
        whole = [target for method, target, _ in self.meddler.seen
                 if method == "GET" and re.search("s($|[?])", target) and "/namespaces/demo/" in target and "limit=" not in target and "watch=" not in target]
        self.assertTrue(whole)

    def test_warnings_once(self):
        self.meddler.headers = [("Warning", '299 - "clone.kubevirt.io/v1beta1 is \\"old\\""'), ("Warning", '299 - "second"')]
        for progress in ("plain", "json"):
            said = self.clone("--progress", progress)
            self.assertEqual(said.count("second"), 1, said)
            self.assertEqual(len(re.findall("clone.kubevirt.io/v1beta1 is", said)), 1, said)
        self.assertIn('warning: clone.kubevirt.io/v1beta1 is "old"', self.clone("--progress", "plain"))


class Hostile(Base):
    """Whatever a server says: no letter of it moves the cursor, colours, rings, or turns the text around."""

    def setUp(self):
        super().setUp()
        self.meddler = Meddler(self.server, self.token, self.context)
        self.addCleanup(self.meddler.close)
        self.kubeconfig(server=self.meddler.url)

    def assert_clean(self, data):
        text = data.decode("utf-8")  # strictly
        self.assertIsNone(FORBIDDEN.search(text), repr(text))

    def run_clean(self, code, *words, said=None):
        process = self.start(*words)
        out, err = process.communicate(timeout=120)
        self.assertEqual(process.returncode, code, (out, err))
        self.assert_clean(out)
        self.assert_clean(err)
        if said:
            self.assertIn(said, (out + err).decode())

    def in_terminal(self, code, *words):
        """What a terminal got, with the bytes of our own frames."""
        pid, terminal = pty.fork()
        if pid == 0:
            os.execve(BINARY, [BINARY, *words], self.env)
        data = b""
        while select.select([terminal], [], [], 60)[0]:
            try:
                piece = os.read(terminal, 65536)
            except OSError:
                break
            if not piece:
                break
            data += piece
        os.close(terminal)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), code, data)
        return data

    def assert_ours(self, data):
        """Escapes that frames are made of, and no others."""
        text = data.decode("utf-8")
        rest = re.sub("\x1b\\[(\\?25[lh]|\\?7[lh]|\\?2026[lh]|[0-9;]*[mKAJGH])", "", text)
        self.assertIsNone(FORBIDDEN.search(rest.replace("\r\n", "\n").replace("\r", "")), repr(rest))
        self.assertNotIn("\x1b[2J", text)
        self.assertIn("evil", text)

    def poison(self, method, target, answer):
        """Evil in every place that is for people to read."""
        def walk(value, key):
            if isinstance(value, dict):
                return {name: walk(each, name) for name, each in value.items()}
            if isinstance(value, list):
                return [walk(each, key) for each in value]
            return EVIL + value if key in ("message", "reason", "printableStatus", "note") and isinstance(value, str) else value
        return walk(answer, "")

    def failing_storage(self):
        path = "/apis/snapshot.storage.k8s.io/v1/volumesnapshotclasses/fast-snapshots"
        self.api("PATCH", path, {"parameters": {"fail": EVIL + "pool is full"}})
        self.addCleanup(self.api, "PATCH", path, {"parameters": None})

    def test_a_refusal(self):
        status = {"kind": "Status", "status": "Failure", "code": 422, "reason": "Invalid" + EVIL, "message": "no " + EVIL,
                  "details": {"causes": [{"field": "spec" + EVIL, "message": "because " + EVIL}]}}
        self.meddler.instead = lambda method, target: (422, [], json.dumps(status).encode()) if method == "POST" and "virtualmachineclones" in target else None
        for progress in ("plain", "json", "none", "bar"):
            self.run_clean(1, "clone", "web", self.target(), "--progress", progress, said="evil")
        self.assert_ours(self.in_terminal(1, "clone", "web", self.target()))

    def test_no_json_and_no_utf8(self):
        for body in (b"\xff\xfe\x1b[31mred", b"\x1b]0;t\x07", b"{\"kind\":\"Status\",\"message\":\"\xff\xc0\x80\x1b\"}", b"{" * 5000, b"\x00" * 100):
            self.meddler.instead = lambda method, target, b=body: (400, [], b) if method == "POST" and "virtualmachineclones" in target else None
            process = self.start("clone", "web", self.target(), "--request-timeout", "1s")
            out, err = process.communicate(timeout=120)
            self.assertIn(process.returncode, (1, 4), err)
            self.assert_clean(out + err)

    def test_warnings(self):
        self.meddler.headers = [("Warning", '299 - "evil \x1b[31m\x07\x9b2J"')]
        for progress in ("plain", "json", "none"):
            process = self.start("clone", "web", self.target(), "--wait", "--progress", progress)
            out, err = process.communicate(timeout=120)
            self.assertEqual(process.returncode, 0, err)
            self.assert_clean(out + err)
            self.assertIn(b"evil", err)

    def test_names(self):
        def rename(method, target, answer):
            for each in answer.get("items") or []:
                if each.get("metadata", {}).get("name") == "web":
                    each["metadata"]["name"] = "we" + EVIL
            return answer
        self.meddler.change = rename
        self.run_clean(3, "clone", "we", self.target())

    def test_while_waiting(self):
        self.meddler.change = self.poison
        self.failing_storage()
        for progress in ("plain", "json", "none"):
            self.run_clean(1, "clone", "mail", self.target(), "--wait", "--stall-timeout", "2s", "--progress", progress, said="evil")
        self.assert_ours(self.in_terminal(1, "clone", "mail", self.target(), "--wait", "--stall-timeout", "3s", "--progress", "bar"))

    def test_results(self):
        self.meddler.change = self.poison
        for form in ("table", "wide", "name", "json", "yaml"):
            process = self.start("clone", "web", self.target(), "--wait", "-o", form)
            out, err = process.communicate(timeout=120)
            if form == "yaml":  # byte for byte kubectl's, which lets marks of direction stand
                out = re.sub("[\u202a-\u202e\u2066-\u2069]", "", out.decode()).encode()
            self.assert_clean(out + err)


class Long(unittest.TestCase):
    """Minutes, on a real cluster: $KUBECONFIG, $NAMESPACE, $SOURCE."""

    def run_through(self, mode, commands, seconds):
        """One clone --wait through a proxy; `commands`: {seconds after the start of the wait: command}."""
        target = f"long-{int(time.time())}"
        with tempfile.TemporaryDirectory() as folder:
            proxy = FaultProxy(os.environ["KUBECONFIG"], mode, folder)
            began = time.monotonic()
            log = self.enterContext(open(f"{folder}/err", "w+b"))
            process = subprocess.Popen([BINARY, "clone", os.environ["SOURCE"], target, "-n", os.environ["NAMESPACE"], "--wait", "--timeout", f"{seconds}s",
                                        "--progress", "plain", "--kubeconfig", proxy.kubeconfig], stdout=log, stderr=log, stdin=subprocess.DEVNULL)
            while not re.search("Waiting|Snapshotting|Restoring", pathlib.Path(log.name).read_text()) and process.poll() is None:
                time.sleep(0.02)
            start = time.monotonic()
            for at, command in commands:
                time.sleep(max(0, start + at - time.monotonic()))
                proxy.say(command)
            process.wait(seconds + 60)
            done = time.monotonic()
            said = pathlib.Path(log.name).read_text()
            faults = proxy.close()
        print(f"{self.id()}: exit {process.returncode} after {done - began:.1f} s, {done - start - commands[-1][0]:.1f} s after the last command\n{said}\n{faults}", flush=True)
        self.assertEqual(process.returncode, 0)
        return done - start - commands[-1][0]

    def test_ten_minutes_without_a_network(self):
        self.assertLess(self.run_through("tcp", [(0, "refuse 600s"), (600, "heal")], 1200), 60)

    def test_ten_minutes_of_silence(self):
        self.assertLess(self.run_through("tcp", [(0, "blackhole 600s"), (600, "heal")], 1200), 90)

    def test_a_minute_of_sleep(self):
        """What a laptop that slept sees: its connections are dead, and nobody says so; new ones work."""
        self.assertLess(self.run_through("tcp", [(0, "blackhole 1h"), (0.2, "heal")], 300), 60)

    def test_a_rotated_certificate(self):
        self.assertLess(self.run_through("tls", [(0, "rotate"), (0.1, "reset")], 300), 60)


if __name__ == "__main__":
    chosen = [Long] if LONG else [Proxies, Addresses, Names, RenewedCertificate, Faults, Meddled, Hostile]
    words = [word for word in sys.argv[4:] if word != "--long"]
    if words and not words[0].startswith("-"):
        unittest.main(argv=[sys.argv[0], *words])
    suite = unittest.TestSuite(unittest.defaultTestLoader.loadTestsFromTestCase(case) for case in chosen)
    sys.exit(not unittest.TextTestRunner(verbosity=2).run(suite).wasSuccessful())
