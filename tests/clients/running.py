"""A client that runs already: it asks the drill server for one drill after another. `running.py SERVER [WAY]`."""

import http.client
import json
import os
import sys
import urllib.request

os.environ.setdefault("BIZTOKEN_URL", "")
os.environ.setdefault("BIZTOKEN_API_KEY", "")
os.environ.setdefault("BIZTOKEN_API_SECRET", "")

from faulty import HABITS
from sound import Client, RefusedError

KINDS: dict[str, type[Client]] = {"sound": Client, **HABITS}


def call(server: str, verb: str, said: object = None) -> dict:
    """One call of the protocol."""
    data = None if said is None else json.dumps(said).encode()
    with urllib.request.urlopen(f"{server}/{verb}", data, timeout=30) as reply:
        return json.load(reply)


def main(server: str, kind: str = "sound") -> int:
    """Go through all drills with one client; the exit code of the report."""
    begun = call(server, "start", {})
    os.environ["BIZTOKEN_CACERT"] = begun["cacert"]
    client = KINDS[kind]()
    client.key, client.secret = begun["api_key"], begun["api_secret"]
    said: dict[str, str] = {}
    while "done" not in (drill := call(server, "next", said)):
        client.url = drill["url"]
        try:
            client.call()
            said = {"outcome": "success", "output": "ok"}
        except (RefusedError, OSError, http.client.HTTPException, ValueError, KeyError) as problem:
            said = {"outcome": "failure", "output": str(problem)}
    report = call(server, "report", {})
    print(report["verdict"], [row["id"] for row in report["clauses"] if row["verdict"] in ("FAIL", "WARN")])
    return int(report["exit_code"])


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
