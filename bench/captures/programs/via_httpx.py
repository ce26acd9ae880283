"""Sends a plan with httpx."""

from collections.abc import Iterator
from pathlib import Path

import httpx
from plan_reader import read_plan

plan = read_plan()
url, mode = plan.get("url"), plan.get("mode")
data: dict[str, list[str]] = {}
for name, value in plan.texts:
    data.setdefault(name, []).append(value)
files = [(file.name, (file.filename, file.content, file.media_type)) for file in plan.files]
headers = {"Content-Type": plan.get("content_type")} if plan.get("content_type") else {}
client = httpx.Client(timeout=20, trust_env=False)
if mode == "urlencoded":
    client.post(url, data=data)
elif mode == "json":
    client.post(url, json=dict(plan.texts))
elif mode == "query":
    client.request(plan.get("method"), url, params=plan.texts)
elif mode == "raw":
    client.post(url, content=Path(plan.get("body")).read_bytes(), headers=headers)
elif mode == "chunked":
    built = client.build_request("POST", url, data=data, files=files)
    content = built.read()

    def pieces() -> Iterator[bytes]:
        for start in range(0, len(content), 1000):
            yield content[start : start + 1000]

    client.post(url, content=pieces(), headers={"Content-Type": built.headers["Content-Type"]})
elif files:
    client.request(plan.get("method"), url, data=data, files=files, headers=headers)
else:
    forms = [(name, (None, value.encode())) for name, value in plan.texts]
    client.request(plan.get("method"), url, files=forms, headers=headers)
