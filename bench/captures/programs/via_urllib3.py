"""Sends a plan with urllib3."""

import json
from pathlib import Path

import urllib3
from plan_reader import read_plan
from urllib3.fields import RequestField
from urllib3.filepost import encode_multipart_formdata

plan = read_plan()
url, mode, method = plan.get("url"), plan.get("mode"), plan.get("method")
headers = {"Content-Type": plan.get("content_type")} if plan.get("content_type") else {}
http = urllib3.PoolManager(retries=False, timeout=20)
if mode == "urlencoded":
    http.request(method, url, fields=plan.texts, encode_multipart=False)
elif mode == "json":
    http.request(method, url, body=json.dumps(dict(plan.texts)), headers={"Content-Type": "application/json"})
elif mode == "raw":
    http.request(method, url, body=Path(plan.get("body")).read_bytes(), headers=headers)
else:
    fields: list[RequestField | tuple[str, str]] = list(plan.texts)
    for file in plan.files:
        field = RequestField(file.name, file.content, filename=file.filename)
        field.make_multipart(content_type=file.media_type)
        fields.append(field)
    if mode == "chunked":
        body, kind = encode_multipart_formdata(fields)
        http.request(method, url, body=body, headers={"Content-Type": kind}, chunked=True)
    else:
        http.request(method, url, fields=fields, headers=headers)
