"""What a case needs of the target file, and how to provide it. Pure."""

from __future__ import annotations

from biztoken.cases import Case
from biztoken.settings import Target
from biztoken.verdicts import Text


def missing_need(case: Case, target: Target) -> Text | None:
    """How to provide what the target file lacks for a case, None where it lacks nothing."""
    for need in case.needs:
        if need.startswith("keys.") and need.removeprefix("keys.") not in target.keys:
            return Text(
                f"Add {need} {{api_key, api_secret}} to the target file: a key in that state.",
                f"在目标文件中提供 {need}（api_key、api_secret）：处于该状态的 key。",
            )
        if need == "another key" and len(target.keys) < 2:
            return Text(
                "Add any other of the keys to the target file, e.g. keys.no_verify.",
                "在目标文件中再提供任意一个 key，例如 keys.no_verify。",
            )
        if need == "concurrency_limit" and target.concurrency_limit is None:
            return Text(
                "Say in the target file how many requests may be in flight: concurrency_limit.",
                "在目标文件中写明允许的并发数：concurrency_limit。",
            )
        if need == "single_use_sign" and target.single_use_sign is None:
            return Text(
                "Say in the target file whether signatures with expiry time 0 work once: single_use_sign.",
                "在目标文件中写明失效时间为 0 的签名是否只能使用一次：single_use_sign。",
            )
    return None
