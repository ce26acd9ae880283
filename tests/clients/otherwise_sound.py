"""Sound clients that do it in another way: `otherwise_sound.py WAY`. None of them may be called bad."""

import http.client
import json
import os
import random
import ssl
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path

from sound import Client, RefusedError

PORTRAIT = Path(__file__).parents[2] / "conformance" / "portrait.jpg"
WAYS: dict[str, type[Client]] = {}


def way(name: str) -> Callable[[type[Client]], type[Client]]:
    """Register a client by what it does otherwise."""

    def keep(client: type[Client]) -> type[Client]:
        WAYS[name] = client
        return client

    return keep


@way("gives-up-on-403-at-once")
class GivesUp(Client):
    retried = ("INTERNAL_ERROR",)


@way("retries-dropped-connections")
class RetriesDropped(Client):
    def call(self):
        try:
            return super().call()
        except (ConnectionError, http.client.HTTPException):
            self.biz_no = str(uuid.uuid4())
            return super().call()


@way("tells-errors-on-standard-output-and-exits-2")
class OnStandardOutput(Client):
    def fail(self, problem):
        print(json.dumps({"ok": False, "why": str(problem)}))
        return 2


@way("one-retry-only")
class OneRetry(Client):
    tries = 2


@way("retries-500-at-once")
class RetriesAtOnce(Client):
    retried = ("INTERNAL_ERROR",)

    def pause(self, attempt):
        pass


@way("waits-at-random")
class FullJitter(Client):
    tries = 4

    def pause(self, attempt):
        time.sleep(random.uniform(0, 0.4 * 2**attempt))


@way("trusts-by-ssl-cert-file")
class BySslCertFile(Client):
    def context(self):
        return ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])


@way("trusts-the-system-only")
class SystemOnly(Client):
    def context(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_default_certs()
        return context


@way("raises-what-was-told")
class Raises(Client):
    def main(self):
        return self.succeed(self.call())


@way("single-use-signs")
class SingleUse(Client):
    def sign(self):
        self.valid = -self.now()
        return super().sign()


@way("sends-a-picture")
class WithPicture(Client):
    def parts(self):
        kept = [part for part in super().parts() if "idcard" not in part[0]]
        disposition = 'form-data; name="image_ref1"; filename="p.jpg"\r\nContent-Type: image/jpeg'
        return [*kept, (disposition, PORTRAIT.read_bytes())]

    def fields(self):
        return {**super().fields(), "comparison_type": "0", "uuid": "user-1"}


@way("own-words-beside-the-error")
class OwnWords(Client):
    def fail(self, problem):
        print(f"获取 biz_token 失败（{problem}），请稍后再试", file=sys.stderr)
        return 1


@way("splits-the-error")
class Splits(Client):
    def understand(self, status, body):
        try:
            return super().understand(status, body)
        except RefusedError as problem:
            name, _, detail = str(problem).partition(": ")[2].partition(":")
            raise RefusedError(f"error={name} detail={detail.strip()}") from None

    def is_retried(self, problem):
        return "INTERNAL_ERROR" in str(problem)


@way("prints-masked-data")
class Masked(Client):
    def succeed(self, token):
        fields = self.fields()
        print("欧***", fields["idcard_number"][:6] + "********" + fields["idcard_number"][-2:], "key", self.key)
        return 0


@way("no-biz-no")
class NoBizNo(Client):
    def fields(self):
        return {name: value for name, value in super().fields().items() if name != "biz_no"}


if __name__ == "__main__":
    sys.exit(WAYS[sys.argv[1]]().main())
