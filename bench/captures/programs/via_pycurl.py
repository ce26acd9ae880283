"""Sends a plan with pycurl."""

from io import BytesIO

import pycurl
from plan_reader import read_plan

plan = read_plan()
curl = pycurl.Curl()
curl.setopt(pycurl.URL, plan.get("url"))
curl.setopt(pycurl.TIMEOUT, 20)
curl.setopt(pycurl.WRITEDATA, BytesIO())
form: list[tuple[str, object]] = [(name, value.encode()) for name, value in plan.texts]
for file in plan.files:
    options = [pycurl.FORM_BUFFER, file.filename or "", pycurl.FORM_BUFFERPTR, file.content]
    form.append((file.name, (*options, pycurl.FORM_CONTENTTYPE, file.media_type)))
curl.setopt(pycurl.HTTPPOST, form)
if plan.get("mode") == "chunked":
    curl.setopt(pycurl.HTTPHEADER, ["Transfer-Encoding: chunked", "Expect:"])
elif plan.get("expect"):
    curl.setopt(pycurl.HTTPHEADER, ["Expect: 100-continue"])
curl.perform()
