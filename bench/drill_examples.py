"""Every example of docs/drill/ through all drills, where its language is there: `python bench/drill_examples.py`."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

EXAMPLES = Path(__file__).parents[1] / "docs" / "drill"
COMMANDS = [
    [sys.executable, "client.py"], ["node", "client.mjs"], ["php", "client.php"], ["go", "run", "client.go"],
    ["java", "Client.java"],
]  # fmt: skip


def main() -> None:
    for *program, script in COMMANDS:
        if shutil.which(program[0]) is None:
            print(f"{script}: {program[0]} is not installed")
            continue
        with tempfile.TemporaryDirectory() as place:
            serve = [sys.executable, "-m", "biztoken", "drill", "--serve", "--out", place]
            with subprocess.Popen(serve, stdout=subprocess.PIPE, text=True) as server:
                url = server.stdout.readline().split()[-1]
                done = subprocess.run([*program, EXAMPLES / script, url], capture_output=True, text=True, check=False)
                server.terminate()
            print(f"{script}: exit code {done.returncode}, {done.stdout.split(' see ')[0] or done.stderr}")


if __name__ == "__main__":
    main()
