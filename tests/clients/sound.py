"""A sound client: prints "ok" and exits 0, or tells the error and exits 1. Others here take one habit from it."""

import base64
import hashlib
import hmac
import http.client
import json
import os
import random
import ssl
import sys
import time
import uuid
from urllib.parse import urlsplit

BOUNDARY = "----a-sound-client-3f9c1a"


class RefusedError(Exception):
    """The call ends without a biz_token."""


class Client:
    tries = 3
    timeout = float(os.environ.get("CLIENT_TIMEOUT", "2"))
    valid = 600  # seconds
    retried = ("INTERNAL_ERROR", "CONCURRENCY_LIMIT_EXCEEDED", "AUTHORIZATION_ERROR: EXPIRED_SIGN")

    def __init__(self):
        self.url = os.environ["BIZTOKEN_URL"]
        self.key = os.environ["BIZTOKEN_API_KEY"]
        self.secret = os.environ["BIZTOKEN_API_SECRET"]
        self.biz_no = str(uuid.uuid4())

    def now(self):
        return int(time.time())

    def sign(self):
        now = self.now()
        raw = f"a={self.key}&b={now + self.valid}&c={now}&d={random.randrange(10**10):010d}"
        digest = hmac.new(self.secret.encode(), raw.encode(), hashlib.sha1).digest()
        return base64.b64encode(digest + raw.encode()).decode()

    def fields(self):
        return {
            "sign": self.sign(),
            "sign_version": "hmac_sha1",
            "liveness_type": "meglive",
            "comparison_type": "1",
            "idcard_name": "欧阳示例",
            "idcard_number": "990101199003071237",
            "biz_no": self.biz_no,
            "verbose": "1",
        }

    def parts(self):
        return [(f'form-data; name="{name}"', value.encode()) for name, value in self.fields().items()]

    def body(self):
        """Content-Type and body."""
        pieces = []
        for disposition, value in self.parts():
            pieces += [f"--{BOUNDARY}\r\nContent-Disposition: {disposition}\r\n\r\n".encode(), value, b"\r\n"]
        return f"multipart/form-data; boundary={BOUNDARY}", b"".join(pieces) + f"--{BOUNDARY}--\r\n".encode()

    def context(self):
        return ssl.create_default_context(cafile=os.environ.get("BIZTOKEN_CACERT"))

    def connect(self):
        parts = urlsplit(self.url)
        if parts.scheme == "https":
            return http.client.HTTPSConnection(parts.netloc, timeout=self.timeout, context=self.context())
        return http.client.HTTPConnection(parts.netloc, timeout=self.timeout)

    def send(self):
        """Status and body of the answer."""
        media_type, body = self.body()
        connection = self.connect()
        try:
            connection.request("POST", urlsplit(self.url).path, body, {"Content-Type": media_type})
            reply = connection.getresponse()
            return reply.status, self.read(reply)
        finally:
            connection.close()

    def read(self, reply):
        return reply.read()

    def understand(self, status, body):
        """The biz_token; RefusedError with the reason where there is none."""
        try:
            reply = json.loads(body)
        except ValueError:
            raise RefusedError(f"HTTP {status}: {body[:80].decode('utf-8', 'replace')}") from None
        if status == 200 and isinstance(reply, dict) and reply.get("biz_token"):
            return reply["biz_token"]
        raise RefusedError(f"HTTP {status}: {reply.get('error') if isinstance(reply, dict) else reply}")

    def is_retried(self, problem):
        return any(name in str(problem) for name in self.retried)

    def pause(self, attempt):
        time.sleep(0.1 * 2**attempt * random.uniform(1, 1.2))

    def call(self):
        for attempt in range(self.tries):
            try:
                return self.understand(*self.send())
            except RefusedError as problem:
                if attempt + 1 == self.tries or not self.is_retried(problem):
                    raise
            self.pause(attempt)
        raise AssertionError("unreachable")

    def succeed(self, token):
        print("ok")
        return 0

    def fail(self, problem):
        print(f"get_biz_token failed: {problem}", file=sys.stderr)
        return 1

    def main(self):
        try:
            return self.succeed(self.call())
        except (RefusedError, OSError, http.client.HTTPException) as problem:
            return self.fail(problem)


if __name__ == "__main__":
    sys.exit(Client().main())
