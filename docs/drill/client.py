"""The loop of `biztoken drill --serve` around a client in Python: `python client.py http://127.0.0.1:PORT`."""

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
import urllib.error
import urllib.request
import uuid


def sign(key, secret):
    now = int(time.time())
    raw = f"a={key}&b={now + 600}&c={now}&d={random.randrange(10**10):010d}".encode()
    return base64.b64encode(hmac.new(secret.encode(), raw, hashlib.sha1).digest() + raw).decode()


def get_biz_token(url, key, secret, context):
    """Your own client stands here: it returns a biz_token or raises with the reason."""
    boundary = uuid.uuid4().hex
    for attempt in range(3):
        fields = {
            "sign": sign(key, secret), "sign_version": "hmac_sha1", "liveness_type": "meglive",
            "comparison_type": "1", "idcard_name": "张三", "idcard_number": "990101199003071237",
            "biz_no": uuid.uuid4().hex, "verbose": "1",
        }  # fmt: skip
        body = "".join(
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in fields.items()
        )
        request = urllib.request.Request(
            url, f"{body}--{boundary}--\r\n".encode(), {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        )
        try:
            with urllib.request.urlopen(request, timeout=10, context=context) as reply:
                status, answer = reply.status, reply.read()
        except urllib.error.HTTPError as reply:
            status, answer = reply.code, reply.read()
        try:
            said = json.loads(answer)
        except ValueError:
            raise RuntimeError(f"HTTP {status}: {answer[:200]!r}") from None
        if status == 200 and said.get("biz_token"):
            return said["biz_token"]
        if said.get("error") not in ("INTERNAL_ERROR", "CONCURRENCY_LIMIT_EXCEEDED") or attempt == 2:
            raise RuntimeError(f"HTTP {status}: {said.get('error')}")
        time.sleep(0.3 * 2**attempt)


def drill(server, verb, said=None):
    data = None if said is None else json.dumps(said).encode()
    with urllib.request.urlopen(f"{server}/{verb}", data) as reply:
        return json.load(reply)


def main(server):
    begun = drill(server, "start", {})
    context = ssl.create_default_context(cafile=begun["cacert"])
    said = {}
    while "drill" in (now := drill(server, "next", said)):
        try:
            get_biz_token(now["url"], begun["api_key"], begun["api_secret"], context)
            said = {"outcome": "success", "output": ""}
        except (RuntimeError, OSError, http.client.HTTPException) as problem:
            said = {"outcome": "failure", "output": str(problem)}
    report = drill(server, "report", {})
    print(report["verdict"], "see", os.path.join(report["directory"], "index.html"))
    return report["exit_code"]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
