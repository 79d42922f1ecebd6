"""A server of static files that compresses, as the web's static hosts do."""

import gzip
import io
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

COMPRESSED = {".html", ".css", ".js", ".json", ".svg", ".txt", ".xml", ".ipynb", ".inv"}


class Handler(SimpleHTTPRequestHandler):
    """Files of a folder, texts compressed, and the folder's 404 page for what is missing."""

    protocol_version = "HTTP/1.1"

    def send_head(self):
        """Send the headers and give the content."""
        path, status = Path(self.translate_path(self.path)), 200
        if path.is_dir():
            path /= "index.html"
        if not path.is_file():
            path, status = Path(self.directory) / "404.html", 404
        content = path.read_bytes() if path.is_file() else b"not found"
        self.send_response(status)
        if path.suffix in COMPRESSED and "gzip" in self.headers.get("Accept-Encoding", ""):
            content = gzip.compress(content, compresslevel=6, mtime=0)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Type", self.guess_type(str(path)))
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "max-age=600")
        self.end_headers()
        return io.BytesIO(content)

    def log_message(self, *_):
        """Keep quiet."""


@contextmanager
def serve(folder, handler=Handler):
    """Serve a folder on a free port of this machine, and give its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(folder)))
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
