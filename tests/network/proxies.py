"""Small proxies on the loopback: HTTP CONNECT (also over TLS), SOCKS5, and a relay that listens on ::1. One thread per direction."""
import base64
import socket
import struct
import threading


def pump(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
    except OSError:
        pass
    for each in (source, sink):
        try:
            each.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def tunnel(client, server):
    back = threading.Thread(target=pump, args=(server, client), daemon=True)
    back.start()
    pump(client, server)
    back.join()


class Listener:
    """Takes connections until close(); `serve` has each on a thread of its own."""

    def __init__(self, target_port, address="127.0.0.1"):
        self.target_port = target_port
        self.seen = []  # what clients asked for
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.socket = socket.create_server((address, 0), family=family)
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.guarded, args=(client,), daemon=True).start()

    def guarded(self, client):
        try:
            self.serve(client)
        except OSError:
            pass
        finally:
            client.close()

    def to_target(self):
        return socket.create_connection(("127.0.0.1", self.target_port))

    def close(self):
        self.socket.close()


class Relay(Listener):
    def serve(self, client):
        with self.to_target() as server:
            tunnel(client, server)


class ConnectProxy(Listener):
    """Every CONNECT leads to the target. `credentials`: "user:password", else 407. `tls`: an SSLContext for an https:// proxy."""

    def __init__(self, target_port, credentials=None, tls=None):
        self.credentials, self.tls = credentials, tls
        super().__init__(target_port)

    def serve(self, client):
        if self.tls:
            client = self.tls.wrap_socket(client, server_side=True)
        head = b""
        while b"\r\n\r\n" not in head:
            piece = client.recv(4096)
            if not piece:
                return
            head += piece
        lines = head.decode("latin-1").split("\r\n")
        self.seen.append(lines[0])
        if self.credentials:
            wanted = "Proxy-Authorization: Basic " + base64.b64encode(self.credentials.encode()).decode()
            if wanted not in lines:
                client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n")
                return
        with self.to_target() as server:
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            tunnel(client, server)


class SocksProxy(Listener):
    """SOCKS5 without authentication; notes whether names came as names."""

    def serve(self, client):
        def take(count):
            data = b""
            while len(data) < count:
                piece = client.recv(count - len(data))
                if not piece:
                    raise OSError("gone")
                data += piece
            return data
        _, count = take(2)
        take(count)
        client.sendall(b"\x05\x00")
        _, _, _, kind = take(4)
        if kind == 3:
            host = take(take(1)[0]).decode()
        else:
            host = socket.inet_ntop(socket.AF_INET if kind == 1 else socket.AF_INET6, take(4 if kind == 1 else 16))
        port = struct.unpack("!H", take(2))[0]
        self.seen.append(f"{'name' if kind == 3 else 'address'} {host}:{port}")
        with self.to_target() as server:
            client.sendall(b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x00")
            tunnel(client, server)
