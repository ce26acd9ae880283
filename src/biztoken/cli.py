"""The command `biztoken`: parses, calls, prints; decides nothing."""

from __future__ import annotations

import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from biztoken import __version__
from biztoken.errors import UserError

_PATH = click.Path(path_type=Path)
LIST = "\0list"  # what an option without its optional value stands for; no path may contain it


def _remember(ctx: click.Context, _parameter: click.Parameter, lang: str) -> str:
    """Keep the language for mistakes that are told above the command."""
    ctx.find_root().meta["lang"] = lang
    return lang


class _Within(click.FloatRange):
    """A range that NaN is not in: it is neither below nor above any bound."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        number = super().convert(value, param, ctx)
        if number != number:  # noqa: PLR0124 - only NaN is not itself
            self.fail(f"{value} is no number.", param, ctx)
        return number


# From the year 1973 to 5138: a number of milliseconds is no time at which a request was sent.
_EPOCH = _Within(min=10**8, max=10**11)
_LANG = click.option(
    "--lang",
    type=click.Choice(["en", "zh"]),
    default="en",
    show_default=True,
    is_eager=True,
    callback=_remember,
    help="Language of what people read; 语言。",
)


def _kept(problem: Exception) -> str:
    """Where the traceback of a mistake of ours was put, without what the exception says: it may hold a secret."""
    number, name = tempfile.mkstemp(prefix="biztoken-", suffix=".traceback.txt")
    with open(number, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.writelines([*traceback.format_tb(problem.__traceback__), f"{type(problem).__name__}\n"])
    return name


class Commands(click.Group):
    """Turns a user's mistake, and one of ours, into one sentence and exit code 2."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except UserError as problem:
            click.echo(f"biztoken: {problem.told(ctx.meta.get('lang', 'en'))}", err=True)
            sys.exit(2)
        except BrokenPipeError:
            sys.exit(2)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as problem:  # exit 1 would say that the target is wrong
            kind, place = type(problem).__name__, _kept(problem)
            if ctx.meta.get("lang") == "zh":
                click.echo(f"biztoken: 本程序出错（{kind}），与目标无关；请报告此问题，详情见 {place}", err=True)
            else:
                told = f"this program failed ({kind}), which says nothing of the target; please report it, with {place}"
                click.echo(f"biztoken: {told}", err=True)
            sys.exit(2)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="biztoken")
def main() -> None:
    """Verify an endpoint of Megvii FaceID get_biz_token, or be one; 验证或模拟 get_biz_token 接口.

    \b
    Examples:
      biztoken check                                  the embedded mock
      biztoken check --target target.yaml --out out   any endpoint
      biztoken mock --port 8080                       a mock to develop against
      biztoken report out --lang zh                   render a run again
    """


def _given(ctx: click.Context) -> list[str]:
    """The options that stand on the command line, as they are written."""
    known = [(parameter.opts[0], parameter.name or "") for parameter in ctx.command.params]
    return [option for option, name in known if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE]


@main.command(epilog="Exit codes: 0 conformant, 1 not conformant, 2 no verdict, 3 incomplete.")
@click.option("--target", type=_PATH, metavar="FILE", help="Target file; without it the embedded mock is tested.")
@click.option("--out", type=_PATH, metavar="DIR", help="Directory of the run [default: reports/check-TIME].")
@click.option(
    "--plan",
    type=click.Choice(["quick", "core", "full"]),
    default="full",
    show_default=True,
    help="quick: no fuzzing, no large uploads; core: no fuzzing.",
)
@click.option(
    "--select",
    default="",
    metavar="EXPR",
    help="Only cases whose id, clause, family or subject fits, e.g. 'UUID-LENGTH or signature'.",
)
@click.option("--strict", is_flag=True, help="A broken SHOULD fails too.")
@click.option("--require", default="", metavar="must|ID,…", help="Exit 3 unless all of these passed.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of people, pictures and fuzzing.")
@click.option(
    "--fuzz",
    type=click.IntRange(min=0),
    metavar="N",
    help="Examples for each of the 8 fuzzing views [default: 20 on loopback, else 0].",
)
@click.option("--contract", type=_PATH, metavar="DIR", help="Another directory of the contract's files.")
@click.option(
    "--budget",
    type=click.IntRange(min=1),
    metavar="N",
    help="Never send more requests, repetitions and resumes included.",
)
@click.option(
    "--rate", type=click.FloatRange(min=0, min_open=True), metavar="N", help="At most so many requests per second."
)
@click.option("--max-in-flight", type=click.IntRange(min=1), metavar="N", help="At most so many requests at once.")
@click.option("--waivers", type=_PATH, metavar="FILE", help="Known deviations, each with its reason and its end.")
@click.option("--baseline", type=_PATH, metavar="DIR", help="An accepted run to compare with, or its place.")
@click.option("--dry-run", is_flag=True, help="Send nothing; say what the run would cost.")
@click.option("--resume", type=_PATH, metavar="DIR", help="Go on with a run that was stopped, with its options.")
@_LANG
@click.pass_context
def check(ctx: click.Context, /, require: str, dry_run: bool, **chosen: Any) -> None:
    """Verify an endpoint against the contract, sentence by sentence; 逐条验证接口是否符合契约.

    \b
    Examples:
      biztoken check
      biztoken check --target target.yaml --plan core --out report
      biztoken check --select 'UUID-LENGTH or sign' --lang zh
    """
    from biztoken.embedded import EmbeddedMock

    if chosen["resume"]:
        from biztoken.resuming import hold_to_the_run

        hold_to_the_run(_given(ctx))
    names = tuple(name.strip() for name in require.split(",") if name.strip())
    if dry_run:
        from biztoken.rehearsal import rehearse, told
        from biztoken.suite import Options as Planned

        click.echo(told(rehearse(Planned(require=names, **chosen)), chosen["lang"]))
        return
    needs_mock = not chosen["target"] and not chosen["resume"]
    mock = EmbeddedMock(chosen["contract"]) if needs_mock else None
    # The mock starts while these are loaded.
    from biztoken.check import check as run
    from biztoken.suite import Options

    sys.exit(run(Options(require=names, **chosen), mock))


@main.command(
    epilog="Exit codes: those of check.",
    context_settings={"allow_interspersed_args": False},
)
@click.argument("command", nargs=-1, type=click.UNPROCESSED, metavar="-- COMMAND ...")
@click.option("--serve", is_flag=True, help="Serve the drills to a client that runs already, on this machine only.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, show_default=True, help="With --serve: 0 for any.")
@click.option("--select", default="", metavar="EXPR", help="Only drills whose id, clause or subject fits.")
@click.option("--out", type=_PATH, metavar="DIR", help="Directory of the run [default: reports/drill-TIME].")
@click.option(
    "--timeout",
    type=_Within(min=0, max=86_400, min_open=True),
    default=60.0,
    show_default=True,
    metavar="S",
    help="Seconds in which a client must have given up.",
)
@click.option("--waivers", type=_PATH, metavar="FILE", help="Known deviations, each with its reason and its end.")
@click.option("--strict", is_flag=True, help="A broken SHOULD fails too.")
@click.option("--jobs", type=click.IntRange(min=1), metavar="N", help="Clients at once [default: two per processor].")
@click.option("--contract", type=_PATH, metavar="DIR", help="Another directory of the contract's files.")
@_LANG
def drill(command: tuple[str, ...], serve: bool, port: int, **chosen: Any) -> None:
    """Judge a client: start it once in each drill, with every error, fault and delay; 演练：检验客户端程序.

    \b
    Examples:
      biztoken drill -- python client.py
      biztoken drill --select 'CLIENT-RETRY or concurrency' --timeout 20 -- ./client
      biztoken drill --serve
    """
    from biztoken.drill import Options
    from biztoken.drill import drill as run

    options = Options(command=command or None, **chosen)
    if serve:
        from biztoken.drill.serve import serve as serve_drills

        sys.exit(serve_drills(options, port))
    sys.exit(run(options))


@main.command(epilog="Exit codes: 0 proven, 1 not proven, 2 no verdict, 3 incomplete.")
@click.option("--jobs", type=click.IntRange(min=1), metavar="N", help="Runs at once [default: 4 for each processor].")
@click.option(
    "--only",
    default="",
    metavar="EXPR",
    help="Only what fits by id, clause, subject or the words fault, variation, combination.",
)
@click.option("--out", type=_PATH, metavar="DIR", help="Directory of the proof [default: reports/prove-TIME].")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of people, pictures, fuzzing, combinations.")
@click.option("--contract", type=_PATH, metavar="DIR", help="Another directory of the contract's files.")
@_LANG
def prove(**chosen: Any) -> None:
    """Prove the suite: every fault of the mock must be found, no variation may be; 用故障与变体验证测试套件本身.

    \b
    Examples:
      biztoken prove
      biztoken prove --only 'UUID-LENGTH or variation'
    """
    from biztoken.prove import Options
    from biztoken.prove import prove as run

    sys.exit(run(Options(**chosen)))


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="Port; 0 for any free one."
)
@click.option("--keys", type=_PATH, metavar="FILE", help="YAML file of keys; without it the demo keys.")
@click.option("--tls-cert", type=_PATH, metavar="FILE", help="Certificate in PEM, to serve https.")
@click.option("--tls-key", type=_PATH, metavar="FILE", help="Its private key in PEM.")
@click.option(
    "--latency", metavar="TIME", help="Service time: 20ms, 'uniform(10ms,50ms)', 'normal(50ms,10ms)', 'exp(30ms)'."
)
@click.option("--fault", "named", multiple=True, metavar="NAME", help="A named fault or variation to serve.")
@click.option(
    "--faults",
    is_flag=False,
    flag_value=LIST,
    metavar="[FILE]",
    help="YAML file of faults to serve; alone: list the named ones, each with the clause it breaks.",
)
@click.option("--variations", is_flag=True, help="List the named variations, which break nothing.")
@click.option("--precedence", type=_PATH, metavar="RUN", help="Check in the order that a run recorded elsewhere.")
@click.option("--rack", is_flag=True, help="Serve each named fault and variation, too, under /NAME/ before the path.")
@click.option("--seed", type=int, help="Seed of whatever is random; printed where chance plays a part.")
@click.option("--single-use/--no-single-use", default=True, help="Whether a signature with expiry time 0 works once.")
@click.option("--allow-public", is_flag=True, help="Listen on an address that others can reach.")
@click.option("--journal", type=_PATH, metavar="DIR", help="Keep a journal there, and serve a page that shows it.")
@click.option("--journal-raw", is_flag=True, help="Keep requests as they came, too: secrets and pictures as well.")
@click.option("--public-journal", is_flag=True, help="Let others than this machine use the journal's page.")
@click.option("--contract", type=_PATH, metavar="DIR", help="Another directory of the contract's files.")
@click.option("--stop-with-stdin", is_flag=True, hidden=True)
@_LANG
def mock(stop_with_stdin: bool, lang: str, faults: str | None, variations: bool, **chosen: Any) -> None:
    """Serve a mock of get_biz_token; 启动 get_biz_token 模拟服务.

    \b
    Examples:
      biztoken mock
      biztoken mock --port 0 --latency 'normal(80ms,20ms)'
      biztoken mock --journal journal
      biztoken mock --faults
      biztoken mock --fault sign-expired-accepted
      biztoken mock --keys keys.yaml --tls-cert cert.pem --tls-key key.pem
    """
    if variations or faults == LIST:
        from biztoken.contract import load
        from biztoken.mock.catalogue import catalogue, listing

        known = catalogue(load(chosen["contract"]))
        click.echo(listing(known.variations if variations else known.faults, lang))
        return
    from biztoken.mock.server import Options, serve

    options = {name: value for name, value in chosen.items() if value is not None}
    if chosen["precedence"]:
        from biztoken.mock.recorded import not_followed

        if told := not_followed(chosen["precedence"], lang):
            click.echo(told, err=True)
    if faults:
        options["faults"] = Path(faults)
    if chosen["journal"]:
        from biztoken.examiner import Examiner

        options["lint"] = Examiner(chosen["keys"], chosen["contract"])
    names = iter(("get_biz_token mock", "journal"))
    serve(
        Options(**options),
        announce=lambda url: click.echo(f"{next(names)}: {url}"),
        stop_with_stdin=stop_with_stdin,
    )


@main.command(epilog="Exit codes: 0 passed, 1 not passed, 2 no verdict, 3 incomplete.")
@click.option("--profile", default="steady", show_default=True, metavar="NAME|FILE", help="What to send, what passes.")
@click.option("--target", type=_PATH, metavar="FILE", help="Target file; without it the embedded mock is loaded.")
@click.option("--out", type=_PATH, metavar="DIR", help="Directory of the run [default: reports/load-TIME].")
@click.option("--users", type=click.IntRange(min=1), metavar="N", help="Another peak of requests in flight (closed).")
@click.option(
    "--rate", type=click.FloatRange(min=0, min_open=True), metavar="N", help="Another peak of arrivals a second (open)."
)
@click.option("--seconds", type=click.IntRange(min=1), metavar="N", help="Another length of the whole profile.")
@click.option("--processes", type=click.IntRange(1, 64), default=1, metavar="N", help="Workers on this machine.")
@click.option("--master", is_flag=True, help="Lead workers on other machines.")
@click.option("--expect-workers", type=click.IntRange(min=1), default=1, metavar="N", help="How many to wait for.")
@click.option("--worker", metavar="HOST", help="Be a worker of the master at that host.")
@click.option("--bind", default="*", metavar="ADDRESS", help="Address that a master listens on [default: all].")
@click.option("--port", type=click.IntRange(1, 65535), metavar="N", help="Port of the master [default: 5557].")
@click.option("--otel", is_flag=True, help="Let locust send OpenTelemetry.")
@click.option("--strict", is_flag=True, help="A broken SHOULD fails too.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of people, pictures and arrivals.")
@click.option("--contract", type=_PATH, metavar="DIR", help="Another directory of the contract's files.")
@_LANG
def load(**chosen: Any) -> None:
    """Load an endpoint and judge every reply: in flight, arrivals, steps, spike, soak; 压测并判定每个应答.

    \b
    Examples:
      biztoken load --profile smoke
      biztoken load --profile steady --target target.yaml --out reports/steady
      biztoken load --profile arrivals --rate 50 --seconds 60
      biztoken load --profile steps --processes 2
    """
    from biztoken.load.command import load as run
    from biztoken.load.options import Options

    sys.exit(run(Options(**chosen)))


@main.command(epilog="Exit codes: 0 all well, 2 something must be mended first.")
@click.option("--target", type=_PATH, metavar="FILE", required=True, help="Target file.")
@_LANG
def doctor(target: Path, lang: str) -> None:
    """Find out whose side is at fault before any case: file, key, clock, network or endpoint; 运行前诊断.

    \b
    Example:
      biztoken doctor --target target.yaml
    """
    from biztoken.consultation import consult

    diagnosis = consult(target)
    click.echo(diagnosis.told(lang))
    sys.exit(2 if diagnosis.problem else 0)


@main.command(
    epilog="Exit codes: 0 limit told, 1 not as contracted, not enough or a clause broken, 2 cannot tell, 3 incomplete."
)
@click.option("--target", type=_PATH, metavar="FILE", help="Target file; without it the embedded mock is tested.")
@click.option("--out", type=_PATH, metavar="DIR", help="Directory of the run [default: reports/limit-TIME].")
@click.option("--budget", type=click.IntRange(min=1), metavar="N", help="Never send more requests.")
@click.option("--max", "most", type=click.IntRange(min=2), metavar="N", help="Greatest burst [default: 1024].")
@click.option(
    "--picture/--no-picture", default=None, help="Requests with a picture or without [default: without, if permitted]."
)
@click.option(
    "--processes", type=click.IntRange(1, 16), default=1, show_default=True, help="Processes that share each burst."
)
@click.option(
    "--arrivals",
    type=click.FloatRange(min=0, min_open=True),
    metavar="N",
    help="Requests per second at the peak: fail unless the limit is enough.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of people and pictures.")
@_LANG
def limit(**chosen: Any) -> None:
    """Find how many requests may be in flight at once, or say why it cannot be told; 测出并发上限.

    \b
    Examples:
      biztoken limit
      biztoken limit --target target.yaml --max 64 --budget 1000
      biztoken limit --target target.yaml --arrivals 40
    """
    from biztoken.limit.session import Options, find_limit

    sys.exit(find_limit(Options(**chosen)))


@main.command()
@click.argument("directory", type=_PATH)
@_LANG
def accept(directory: Path, lang: str) -> None:
    """Make a run the baseline of its target; 将一次运行设为其目标的基线.

    \b
    Example:
      biztoken accept reports/check-20260101-120000
    """
    import datetime

    from biztoken.changes import accept as make_baseline

    click.echo(make_baseline(directory, datetime.datetime.now(datetime.UTC).date()).as_json()[lang])


@main.command(epilog="Exit codes: 0 nothing differs, 1 something does.")
@click.argument("directories", type=_PATH, nargs=-1, metavar="RUN RUN ...")
@click.option("--out", type=_PATH, metavar="DIR", help="Write the comparison there, too, as a page, JSON and Markdown.")
@_LANG
def compare(directories: tuple[Path, ...], out: Path | None, lang: str) -> None:
    """Say in which clauses runs differ, with both exchanges; 并排比较多次运行.

    \b
    Example:
      biztoken compare reports/mock reports/live --out reports/mock-and-live
    """
    from biztoken.comparing import compare as lay_out
    from biztoken.reporting.comparison import print_comparison, render_comparison

    record = lay_out(directories)
    if out:
        render_comparison(record, out, lang)
    print_comparison(record, lang)
    sys.exit(record["exit_code"])


@main.command(epilog="Exit codes: those of check.")
@click.argument("directory", type=_PATH)
@click.option("--out", type=_PATH, metavar="DIR", help="Where the judged run goes [default: DIRECTORY/judged].")
@_LANG
def judge(directory: Path, out: Path | None, lang: str) -> None:
    """Judge a recorded run again, without a call; 对已记录的运行重新判定，不发送请求.

    \b
    Example:
      biztoken judge reports/check-20260101-120000
    """
    from biztoken.rejudge import rejudge

    sys.exit(rejudge(directory, out, lang))


@main.command()
@click.argument("directory", type=_PATH)
@_LANG
def report(directory: Path, lang: str) -> None:
    """Render the reports of a run again; 重新生成一次运行的报告.

    \b
    Example:
      biztoken report reports/check-20260101-120000 --lang zh
    """
    from biztoken.reporting import print_summary, render

    render(directory, lang)
    print_summary(directory, lang)


@main.command(epilog="Exit codes: 0 nothing above advice, 1 something, 2 a mistake in the command or the files.")
@click.argument("files", type=_PATH, nargs=-1, required=True, metavar="FILE...")
@click.option("--keys", type=_PATH, metavar="FILE", help="Keys file of the mock or a target file, to judge digests.")
@click.option("--now", type=_EPOCH, metavar="EPOCH", help="Seconds since 1970 at which it was sent, to judge expiry.")
@click.option("--sequence", is_flag=True, help="The files followed one another: judge that, too.")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON for each file.")
@click.option("--contract", type=_PATH, metavar="DIR", help="Another directory of the contract's files.")
@_LANG
def lint(files: tuple[Path, ...], as_json: bool, **chosen: Any) -> None:
    """Say what is wrong with a request, given its bytes as on the wire; 检查一次请求的原始字节.

    \b
    Examples:
      biztoken lint request.http
      biztoken lint --keys keys.yaml --now 1764000000 --json request.http
      biztoken lint --sequence first.http second.http
    """
    from biztoken.lint.files import lint_files

    found = lint_files(files, chosen["keys"], chosen["now"], chosen["contract"], is_sequence=chosen["sequence"])
    for each in found:
        click.echo(each.as_json(chosen["lang"]) if as_json else each.told(chosen["lang"]))
    sys.exit(int(any(each.counts for each in found)))


@main.group(invoke_without_command=True)
@click.option("--key-env", default="BIZTOKEN_API_KEY", show_default=True, help="Variable that holds the api_key.")
@click.option(
    "--secret-env", default="BIZTOKEN_API_SECRET", show_default=True, help="Variable that holds the api_secret."
)
@click.option("--valid", type=click.IntRange(min=1), default=600, show_default=True, help="Validity in seconds.")
@click.option("--single-use", is_flag=True, help="Expiry time 0: works once.")
@click.pass_context
def sign(ctx: click.Context, key_env: str, secret_env: str, valid: int, single_use: bool) -> None:
    """Print a signature made from a key and a secret in the environment; 用环境变量中的密钥生成签名.

    \b
    Examples:
      export BIZTOKEN_API_KEY=… BIZTOKEN_API_SECRET=…
      curl -F sign="$(biztoken sign)" -F sign_version=hmac_sha1 … URL
      biztoken sign explain "$SIGN"
    """
    if ctx.invoked_subcommand:
        return
    import os
    import time
    from random import SystemRandom

    from biztoken.signing import Secret, new_random, raw_text, sign_text

    for name in (key_env, secret_env):
        if not os.environ.get(name):
            raise UserError(name, "the environment has no such variable; export it", "环境变量不存在；请导出")
    now = int(time.time())
    raw = raw_text(os.environ[key_env], 0 if single_use else now + valid, now, new_random(SystemRandom()))
    click.echo(sign_text(raw, Secret(os.environ[secret_env])))


# A sign may begin with a dash where it should not; then it is no option.
@sign.command(
    "explain",
    epilog="Exit codes: 0 sound, 1 wrong, 2 a mistake in the command.",
    context_settings={"ignore_unknown_options": True, "help_option_names": ["--help"]},
)
@click.argument("text", metavar="SIGN")
@click.option("--secret-env", metavar="NAME", help="Variable that holds the api_secret, to judge the digest.")
@click.option("--now", type=_EPOCH, metavar="EPOCH", help="Seconds since 1970, to judge the expiry.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@_LANG
def explain_sign(text: str, secret_env: str | None, now: float | None, as_json: bool, lang: str) -> None:
    """Take a sign apart and say which part is wrong; - reads it from the standard input; 拆解签名并指出错误.

    \b
    Examples:
      biztoken sign explain "$SIGN" --secret-env FACEID_SECRET
      biztoken sign explain - --json < sign.txt
    """
    import json
    import os

    from biztoken.contract import load
    from biztoken.lint.explain import explain

    if secret_env and not os.environ.get(secret_env):
        raise UserError(secret_env, "the environment has no such variable; export it", "环境变量不存在；请导出")
    value = os.fsencode(text)
    if text == "-":
        # A shell and an editor end what they write with a line break of their own: one is not the sign's.
        value = sys.stdin.buffer.read(1_000_000).removesuffix(b"\n").removesuffix(b"\r")
    told = explain(value, load(), os.environ[secret_env] if secret_env else None, now)
    click.echo(json.dumps(told.as_json(lang)) if as_json else told.told(lang))
    sys.exit(int(not told.is_sound))
