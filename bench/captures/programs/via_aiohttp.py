"""Sends a plan with aiohttp."""

import asyncio
from pathlib import Path

import aiohttp
from plan_reader import read_plan

plan = read_plan()


async def send() -> None:
    url, mode = plan.get("url"), plan.get("mode")
    headers = {"Content-Type": plan.get("content_type")} if plan.get("content_type") else {}
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(20)) as session:
        if mode == "urlencoded":
            await session.post(url, data=plan.texts)
        elif mode == "json":
            await session.post(url, json=dict(plan.texts))
        elif mode == "query":
            await session.request(plan.get("method"), url, params=plan.texts)
        elif mode == "raw":
            await session.post(url, data=Path(plan.get("body")).read_bytes(), headers=headers)
        else:
            form = aiohttp.FormData(default_to_multipart=True)
            for name, value in plan.texts:
                form.add_field(name, value)
            for file in plan.files:
                form.add_field(file.name, file.content, filename=file.filename, content_type=file.media_type)
            expect = True if plan.get("expect") else None
            chunked = True if mode == "chunked" else None
            await session.request(plan.get("method"), url, data=form, expect100=bool(expect), chunked=chunked)


asyncio.run(send())
