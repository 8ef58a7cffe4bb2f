"""server.py FOLDER: serves its files on loopback in the ways that go wrong, /<way>/<file>; prints the port.

ok           whole, or from a range on
norange      whole, whatever range is asked for
slow         whole, in ten pieces over a second
stall        half, then nothing
cut          half of what is asked for, then the end; whole from the third request for the file on
cutnorange   the same without ranges
short, long  99 bytes less or more than there are, and says so
wrong        a byte is another
endless      bytes without an end or a length
redirect     to ok; loop: to itself; elsewhere: to a file of this machine
missing      404; broken: 500
"""

import http.server
import os
import sys
import time

folder = sys.argv[1]
asked = {}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self, code, length=None, **headers):
        self.send_response(code)
        self.send_header("Connection", "close")
        self.close_connection = True
        if length is not None:
            self.send_header("Content-Length", str(length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def do_GET(self):
        way, name = self.path.strip("/").split("/")
        asked[self.path] = asked.get(self.path, 0) + 1
        ask = self.headers.get("Range", "")
        with open(os.path.join(folder, "requests"), "a") as f:
            print(way, name, ask or "-", file=f)
        if way in ("missing", "broken"):
            return self.answer(404 if way == "missing" else 500, 0)
        if way in ("redirect", "loop", "elsewhere"):
            to = {"redirect": f"/ok/{name}", "loop": self.path, "elsewhere": f"file://{folder}/{name}"}[way]
            return self.answer(302, 0, Location=to)
        if way == "endless":
            self.answer(200)
            while True:
                self.wfile.write(bytes(1 << 16))
        data = open(os.path.join(folder, name), "rb").read()
        if way == "short":
            data = data[:-99]
        if way == "long":
            data += bytes(99)
        if way == "wrong":
            data = data[:50] + bytes([data[50] ^ 1]) + data[51:]
        begin = 0
        if ask and way not in ("norange", "cutnorange"):
            begin = int(ask.split("=")[1].split("-")[0])
            if begin >= len(data):
                return self.answer(416, 0, Content_Range=f"bytes */{len(data)}")
            self.answer(206, len(data) - begin, Content_Range=f"bytes {begin}-{len(data) - 1}/{len(data)}")
        else:
            self.answer(200, len(data))
        rest = data[begin:]
        half = way == "stall" or (way.startswith("cut") and asked[self.path] <= 2)
        send = rest[: len(rest) // 2] if half else rest
        if way == "slow":
            for i in range(10):
                self.wfile.write(send[len(send) * i // 10 : len(send) * (i + 1) // 10])
                self.wfile.flush()
                time.sleep(0.1)
        else:
            self.wfile.write(send)
        self.wfile.flush()
        if way == "stall":
            time.sleep(5)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *args):
        pass


server = Server(("127.0.0.1", 0), Handler)
os.write(1, b"%d\n" % server.server_address[1])
server.serve_forever()
