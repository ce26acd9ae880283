"""Sends a plan with the standard library: the body is made by hand, or by the email package, as it is often seen."""

from email.encoders import encode_base64
from email.mime.base import MIMEBase
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.policy import HTTP
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from plan_reader import read_plan

plan = read_plan()
url, mode = urlsplit(plan.get("url")), plan.get("mode")
connection = HTTPConnection(url.netloc, timeout=20)
headers = {"Content-Type": plan.get("content_type")}
if mode == "email":
    form = MIMEMultipart("form-data", policy=HTTP)
    for name, value in plan.texts:
        part = MIMEText(value, "plain", "us-ascii" if value.isascii() else "utf-8", policy=HTTP)
        part.add_header("Content-Disposition", "form-data", name=name)
        form.attach(part)
    for file in plan.files:
        image = MIMEBase(*file.media_type.split("/"), policy=HTTP)
        image.set_payload(file.content)
        encode_base64(image)
        image.add_header("Content-Disposition", "form-data", name=file.name, filename=file.filename or "")
        form.attach(image)
    head, _, body = form.as_bytes(policy=HTTP).partition(b"\r\n\r\n")
    headers = {"Content-Type": f'multipart/form-data; boundary="{form.get_boundary()}"'}
elif mode == "urlencoded":
    body, headers = urlencode(plan.texts).encode(), {"Content-Type": "application/x-www-form-urlencoded"}
else:
    body = Path(plan.get("body")).read_bytes()
connection.request(plan.get("method"), url.path, body, headers)
connection.getresponse().read()
