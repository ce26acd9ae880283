"""Clients with one bad habit each, taken from real integrations: `faulty.py HABIT`."""

import base64
import http.client
import json
import re
import ssl
import sys
import time
import traceback
import urllib.parse
from collections.abc import Callable

from sound import Client, RefusedError

HABITS: dict[str, type[Client]] = {}


def habit(name: str) -> Callable[[type[Client]], type[Client]]:
    """Register a client by its habit."""

    def keep(client: type[Client]) -> type[Client]:
        HABITS[name] = client
        return client

    return keep


@habit("hammers-for-ever")
class HammersForEver(Client):
    tries = 10**9

    def is_retried(self, problem):
        return "CONCURRENCY" in str(problem)

    def pause(self, attempt):
        pass


@habit("hammers-a-few-times")
class HammersAFewTimes(Client):
    tries = 5

    def pause(self, attempt):
        pass


@habit("waits-the-same-short-time")
class WaitsTheSame(Client):
    tries = 6

    def pause(self, attempt):
        time.sleep(0.2)


@habit("no-retry")
class NoRetry(Client):
    tries = 1


@habit("retries-500-for-ever")
class RetriesForEver(Client):
    tries = 10**9
    retried = ("INTERNAL_ERROR",)

    def pause(self, attempt):
        time.sleep(0.02)


@habit("retries-500-for-ever-slowly")
class RetriesForEverSlowly(Client):
    tries = 10**9
    retried = ("INTERNAL_ERROR",)

    def pause(self, attempt):
        time.sleep(1)


@habit("retries-400")
class Retries400(Client):
    retried = (*Client.retried, "HTTP 400")


@habit("same-sign-on-retry")
class SameSign(Client):
    made = ""

    def sign(self):
        self.made = self.made or super().sign()
        return self.made


@habit("crashes-on-plain-text")
class CrashesOnPlainText(Client):
    def understand(self, status, body):
        json.loads(body)
        return super().understand(status, body)

    def main(self):
        try:
            return self.succeed(self.call())
        except RefusedError as problem:
            return self.fail(problem)


@habit("crashes-on-missing-token")
class CrashesOnMissingToken(Client):
    def understand(self, status, body):
        return json.loads(body)["biz_token"]

    def main(self):
        return self.succeed(self.call())


KNOWN = {
    "NO_FACE_FOUND": "no face",
    "LOW_QUALITY": "low quality",
    "AUTHENTICATION_ERROR": "bad sign",
    "INTERNAL_ERROR": "INTERNAL_ERROR",
    "CONCURRENCY_LIMIT_EXCEEDED": "CONCURRENCY_LIMIT_EXCEEDED",
}


@habit("compares-error-exactly")
class ComparesExactly(Client):
    def understand(self, status, body):
        try:
            return super().understand(status, body)
        except RefusedError as problem:
            told = str(problem).split(": ", 1)[1]
            raise RefusedError(KNOWN.get(told, "unknown error")) from None


@habit("drops-the-reason")
class DropsTheReason(Client):
    def fail(self, problem):
        print("request failed", file=sys.stderr)
        return 1


@habit("keeps-the-name-only")
class KeepsTheName(Client):
    def fail(self, problem):
        print(str(problem).split(":")[1].strip() if ":" in str(problem) else problem, file=sys.stderr)
        return 1


@habit("ignores-the-status")
class IgnoresStatus(Client):
    def understand(self, status, body):
        return json.loads(body).get("biz_token")


@habit("takes-any-200")
class TakesAny200(Client):
    def understand(self, status, body):
        return "" if status == 200 else super().understand(status, body)


@habit("no-timeout")
class NoTimeout(Client):
    timeout = None


@habit("no-verification")
class NoVerification(Client):
    def context(self):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context


@habit("http-instead-of-https")
class PlainHttp(Client):
    def connect(self):
        return http.client.HTTPConnection(urllib.parse.urlsplit(self.url).netloc, timeout=self.timeout)


@habit("prints-the-secret")
class PrintsSecret(Client):
    def succeed(self, token):
        print("called with", self.key, self.secret)
        return 0


@habit("prints-the-secret-in-base64")
class PrintsSecretCoded(Client):
    def fail(self, problem):
        print("Authorization:", base64.b64encode(f"{self.key}:{self.secret}".encode()).decode())
        return super().fail(problem)


@habit("prints-the-request")
class PrintsRequest(Client):
    def fields(self):
        fields = super().fields()
        print(fields)
        return fields


@habit("prints-the-number")
class PrintsNumber(Client):
    def succeed(self, token):
        print("verified", self.fields()["idcard_number"])
        return 0


@habit("urlencoded")
class Urlencoded(Client):
    def body(self):
        return "application/x-www-form-urlencoded", urllib.parse.urlencode(self.fields()).encode()


@habit("loses-the-picture")
class LosesPicture(Client):
    def fields(self):
        fields = {**super().fields(), "comparison_type": "0", "uuid": "user-1", "image_ref1": "portrait.jpg"}
        return {name: value for name, value in fields.items() if not name.startswith("idcard")}


@habit("misspells-a-field")
class Misspells(Client):
    def fields(self):
        fields = super().fields()
        fields["bizno"] = fields.pop("biz_no")
        return fields


@habit("signs-in-milliseconds")
class Milliseconds(Client):
    def now(self):
        return super().now() * 1000


@habit("signs-with-another-secret")
class OtherSecret(Client):
    def __init__(self):
        super().__init__()
        self.secret = self.secret[:-1]


@habit("secret-in-the-form")
class SecretInForm(Client):
    def fields(self):
        return {**super().fields(), "api_secret": self.secret}


@habit("fails-on-unknown-fields")
class FailsOnUnknownFields(Client):
    def understand(self, status, body):
        token = super().understand(status, body)
        if set(json.loads(body)) - {"request_id", "time_used", "biz_token"}:
            raise RefusedError("unexpected fields")
        return token


@habit("swallows-exceptions")
class Swallows(Client):
    def main(self):
        try:
            return super().main()
        finally:
            sys.exit(0)


@habit("takes-a-cut-answer")
class TakesCutAnswer(Client):
    def read(self, reply):
        try:
            return reply.read()
        except http.client.IncompleteRead as cut:
            return cut.partial

    def understand(self, status, body):
        found = re.search(rb'"biz_token": ?"([^"]+)', body)
        return found[1].decode() if status == 200 and found else super().understand(status, body)


@habit("retries-timeouts-with-the-same-number")
class RetriesTimeouts(Client):
    timeout = 0.7

    def call(self):
        for attempt in range(self.tries):
            try:
                return super().call()
            except OSError:
                if attempt + 1 == self.tries:
                    raise
        raise AssertionError("unreachable")


@habit("crashes-with-a-traceback-of-its-own")
class PrintsTraceback(Client):
    def fail(self, problem):
        traceback.print_exc()
        return 1


@habit("sends-nothing")
class SendsNothing(Client):
    def call(self):
        raise RefusedError("not configured")


@habit("fails-though-all-is-well")
class AlwaysFails(Client):
    def succeed(self, token):
        return 3


if __name__ == "__main__":
    sys.exit(HABITS[sys.argv[1]]().main())
