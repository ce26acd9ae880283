"""Sends a plan with requests."""

from pathlib import Path

import requests
from plan_reader import read_plan
from requests_toolbelt import MultipartEncoder

plan = read_plan()
url, texts, mode = plan.get("url"), plan.texts, plan.get("mode")
files = [(file.name, (file.filename, file.content, file.media_type)) for file in plan.files]
headers = {"Content-Type": plan.get("content_type")} if plan.get("content_type") else {}
if mode == "urlencoded":
    requests.post(url, data=texts, timeout=20)
elif mode == "json":
    requests.post(url, json=dict(texts), timeout=20)
elif mode == "query":
    requests.request(plan.get("method"), url, params=texts, timeout=20)
elif mode == "raw":
    requests.post(url, data=Path(plan.get("body")).read_bytes(), headers=headers, timeout=20)
elif mode == "toolbelt":
    form = MultipartEncoder([*texts, *files])
    requests.post(url, data=form, headers={"Content-Type": form.content_type}, timeout=20)
elif mode == "chunked":
    form = MultipartEncoder([*texts, *files])
    pieces = iter(lambda: form.read(1500), b"")
    requests.post(url, data=pieces, headers={"Content-Type": form.content_type}, timeout=20)
else:
    forms = files or [(name, (None, value)) for name, value in texts]
    data = texts if files else None
    requests.request(plan.get("method"), url, data=data, files=forms, headers=headers, timeout=20)
