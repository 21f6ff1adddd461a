"""An S3 server (moto) on a free port of loopback, which can be told to refuse requests; writes the port to stdout.

`GET /refuse?PATTERN` has it answer 403 to every request whose `METHOD /bucket/key` the regular expression finds; an
empty pattern ends that.
"""

import logging
import re
import sys
from urllib.parse import unquote

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

DENIED = b'<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>'
store = DomainDispatcherApplication(create_backend_app)
refused = ""


def answer(environ, start_response):
    """Answer as the store does, but for what is refused."""
    global refused
    if environ["PATH_INFO"] == "/refuse":
        refused = unquote(environ["QUERY_STRING"])
        start_response("200 OK", [])
        return [b""]
    if refused and re.search(refused, f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"):
        start_response("403 Forbidden", [("Content-Type", "application/xml"), ("Connection", "close")])
        return [DENIED]
    return store(environ, start_response)


if __name__ == "__main__":
    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    server = make_server("127.0.0.1", 0, answer, threaded=True)
    sys.stdout.write(f"{server.port}\n")
    sys.stdout.flush()
    server.serve_forever()
