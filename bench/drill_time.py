"""How long a full drill of a fast client takes: `python bench/drill_time.py`. The promise is less than 60 s."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

CLIENT = Path(__file__).parents[1] / "tests" / "clients" / "sound.py"


def main() -> None:
    for number in range(1, 4):
        with tempfile.TemporaryDirectory() as place:
            began = time.monotonic()
            command = [sys.executable, "-m", "biztoken", "drill", "--out", place, "--", sys.executable, str(CLIENT)]
            code = subprocess.run(command, capture_output=True, check=False).returncode
            print(f"run {number}: {time.monotonic() - began:.1f} s, exit code {code}")


if __name__ == "__main__":
    main()
