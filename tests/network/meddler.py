"""A reverse proxy that speaks plain HTTP/1.1 to the client and changes what the server says: for answers no honest server gives."""
import gzip
import http.client
import http.server
import json
import threading
import urllib.parse


class Meddler:
    """Stands before `server` (https URL, with the bearer `token`), below `prefix`. A test sets the hooks:

    instead(method, target) -> None, or (status, headers, body) that is answered without the server
    change(method, target, answer) -> answer, of parsed JSON: lists and objects, and each event of a watch
    headers: pairs that every answer carries; upstream_limit: what `limit=500` becomes on the way to the server
    """

    def __init__(self, server, token, context, prefix=""):
        self.instead = lambda method, target: None
        self.change = lambda method, target, answer: answer
        self.headers, self.upstream_limit, self.compresses = [], None, False
        self.seen = []  # (method, target, headers) of each request
        url = urllib.parse.urlsplit(server)
        meddler = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self):
                meddler.seen.append((self.command, self.path, dict(self.headers)))
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if not self.path.startswith(prefix + "/"):
                    return self.reply(404, [], b"nothing here")
                target = self.path[len(prefix):]
                instead = meddler.instead(self.command, target)
                if instead:
                    return self.reply(*instead)
                if meddler.upstream_limit:
                    target = target.replace("limit=500", f"limit={meddler.upstream_limit}")
                server = http.client.HTTPSConnection(url.hostname, url.port, context=context, timeout=60)
                try:
                    kept = {name: value for name, value in self.headers.items() if name in ("Content-Type", "Accept", "User-Agent")}
                    server.request(self.command, target, body or None, {**kept, "Authorization": "Bearer " + token})
                    answer = server.getresponse()
                    if "watch=true" in target and answer.status == 200:
                        return self.stream(answer)
                    self.reply(answer.status, [("Content-Type", answer.headers.get("Content-Type", ""))],
                               self.changed(answer.read()))
                finally:
                    server.close()

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

            def changed(self, text):
                if not text.startswith(b"{"):
                    return text
                answer = meddler.change(self.command, self.path, json.loads(text))
                return answer if isinstance(answer, bytes) else json.dumps(answer).encode()

            def reply(self, status, headers, body):
                self.send_response(status)
                if meddler.compresses and "gzip" in self.headers.get("Accept-Encoding", ""):
                    headers, body = [*headers, ("Content-Encoding", "gzip")], gzip.compress(body)
                for name, value in [*headers, *meddler.headers]:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def stream(self, answer):
                self.send_response(200)
                for name, value in [("Content-Type", "application/json"), ("Transfer-Encoding", "chunked"), *meddler.headers]:
                    self.send_header(name, value)
                self.end_headers()
                while line := answer.readline():
                    line = self.changed(line).rstrip(b"\n") + b"\n"
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
                    self.wfile.flush()
                self.wfile.write(b"0\r\n\r\n")

            def log_message(self, *words):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128  # a program watches much at once

            def handle_error(self, *where):
                pass  # clients go away as they like

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}{prefix}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
