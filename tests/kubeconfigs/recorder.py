"""Servers on the loopback that write down what arrives: an API server (TLS and plain), proxies, an OIDC issuer."""
import base64
import http.server
import json
import pathlib
import socket
import socketserver
import ssl
import threading
import urllib.parse

PKI = pathlib.Path(__file__).parent.parent / "data/kubeconfigs/pki"
VERSION = {"major": "1", "minor": "34", "gitVersion": "v1.34.3", "gitCommit": "0", "gitTreeState": "clean",
           "buildDate": "2026-01-01T00:00:00Z", "goVersion": "go1.24", "compiler": "gc", "platform": "linux/amd64"}
NOT_FOUND = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404}


class Rig:
    """One of each server. `log` is what they have seen since clear()."""

    def __init__(self):
        self.log = []
        self.lock = threading.Lock()
        self.answers = {}
        self.ports = {
            "TLS": self._serve(ApiServer, tls=True),
            "HTTP": self._serve(ApiServer, tls=False),
            "PROXY": self._serve(HttpProxy),
            "SOCKS": self._serve(SocksProxy),
            "ISSUER": self._serve(Issuer, tls=True, client_certificate=False),
        }
        self.ports["TLS6"] = self._serve(ApiServer, tls=True, family=socket.AF_INET6)

    def _serve(self, handler, tls=False, client_certificate=True, family=socket.AF_INET):
        server = Server(handler, self, family, tls, client_certificate)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return server.server_address[1]

    def clear(self, answers):
        with self.lock:
            self.log = []
            self.answers = answers

    def note(self, kind, **what):
        with self.lock:
            self.log.append({"kind": kind, **what})

    def seen(self):
        with self.lock:
            return list(self.log)


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, handler, rig, family, tls, client_certificate):
        self.address_family = family
        super().__init__(("::1" if family == socket.AF_INET6 else "127.0.0.1", 0), handler)
        self.rig = rig
        self.context = server_context(client_certificate) if tls else None

    def handle_error(self, request, client_address):
        pass  # handshakes that fail are part of many cases


def server_context(client_certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(PKI / "server.crt", PKI / "server.key")
    context.set_alpn_protocols(["http/1.1"])
    if client_certificate:
        context.load_verify_locations(PKI / "ca.crt")
        context.verify_mode = ssl.CERT_OPTIONAL
    # Kept on the connection, where the handler finds it.
    context.sni_callback = lambda connection, name, _: setattr(connection, "asked_name", name)
    return context


def subject_of(connection):
    certificate = connection.getpeercert() if isinstance(connection, ssl.SSLSocket) else None
    names = {key: value for part in (certificate or {}).get("subject", ()) for key, value in part}
    return names.get("commonName")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 10

    def setup(self):
        if self.server.context is not None:
            self.request.settimeout(10)
            self.request = self.server.context.wrap_socket(self.request, server_side=True)
        super().setup()

    def log_message(self, *_):
        pass

    def answer(self, code, body, content_type="application/json"):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


class ApiServer(Handler):
    def do_GET(self):
        path = urllib.parse.urlsplit(self.path).path
        identity = sorted([name.lower(), value.encode("latin-1").decode("utf-8", "replace")]
                          for name, value in self.headers.items()
                          if name.lower() == "authorization" or name.lower().startswith("impersonate-"))
        self.server.rig.note("request", path=path, host=self.headers.get("Host"), identity=identity,
                             tls=self.server.context is not None, sni=getattr(self.connection, "asked_name", None),
                             certificate=subject_of(self.connection),
                             gzip="gzip" in self.headers.get("Accept-Encoding", ""))
        found = path.endswith("/version") and "/apis/" not in path
        self.answer(200 if found else 404, VERSION if found else NOT_FOUND)


class Issuer(Handler):
    """Discovery, and a token endpoint that answers what the case says."""

    def do_GET(self):
        self.server.rig.note("issuer", path=self.path)
        answers = self.server.rig.answers
        metadata = {"token_endpoint": f"https://127.0.0.1:{self.server.server_address[1]}/token"}
        self.answer(answers.get("discovery_code", 200), answers.get("discovery", metadata))

    def do_POST(self):
        form = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        self.server.rig.note("issuer", path=self.path, form=sorted(urllib.parse.parse_qsl(form)),
                             authorization=self.headers.get("Authorization"))
        answers = self.server.rig.answers
        if answers.get("basic_refused") and self.headers.get("Authorization"):
            return self.answer(401, {"error": "invalid_client"})
        self.answer(answers.get("token_code", 200), answers.get("token", {}))


class HttpProxy(Handler):
    """CONNECT, and requests in absolute form. Whatever host is asked for, the loopback is connected to."""

    def do_CONNECT(self):
        self.server.rig.note("proxy", method="CONNECT", target=self.path,
                             authorization=self.headers.get("Proxy-Authorization"))
        port = int(self.path.rpartition(":")[2])
        try:
            upstream = socket.create_connection(("127.0.0.1", port), timeout=10)
        except OSError:
            return self.answer(502, b"")
        self.send_response(200)
        self.end_headers()
        self.wfile.flush()
        splice(self.connection, upstream)
        self.close_connection = True

    def do_GET(self):
        self.server.rig.note("proxy", method="GET", target=self.path.partition("?")[0],
                             authorization=self.headers.get("Proxy-Authorization"))
        identity = sorted([name.lower(), value] for name, value in self.headers.items()
                          if name.lower() == "authorization" or name.lower().startswith("impersonate-"))
        self.server.rig.note("request", path=urllib.parse.urlsplit(self.path).path, host=self.headers.get("Host"),
                             identity=identity, tls=False, sni=None, certificate=None, gzip=False)
        found = urllib.parse.urlsplit(self.path).path == "/version"
        self.answer(200 if found else 404, VERSION if found else NOT_FOUND)


class SocksProxy(socketserver.BaseRequestHandler):
    """SOCKS 5 without authentication."""

    def handle(self):
        read = self.request.makefile("rb").read
        self.request.settimeout(10)
        _, methods = read(2)
        read(methods)
        self.request.sendall(b"\x05\x00")
        _, _, _, kind = read(4)
        if kind == 3:
            host = read(read(1)[0]).decode()
        else:
            host = socket.inet_ntop(socket.AF_INET if kind == 1 else socket.AF_INET6, read(4 if kind == 1 else 16))
        port = int.from_bytes(read(2), "big")
        self.server.rig.note("proxy", method="SOCKS5", target=f"{host}:{port}", authorization=None)
        upstream = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.request.sendall(b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
        splice(self.request, upstream)


def splice(a, b):
    """Copies both ways until one side ends."""
    def copy(source, target):
        try:
            while piece := source.recv(65536):
                target.sendall(piece)
        except OSError:
            pass
        for side in (source, target):
            try:
                side.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
    back = threading.Thread(target=copy, args=(b, a), daemon=True)
    back.start()
    copy(a, b)
    back.join(10)
    b.close()


def data_of(name):
    """A file of the PKI as the value of a *-data field."""
    return base64.b64encode((PKI / name).read_bytes()).decode()
