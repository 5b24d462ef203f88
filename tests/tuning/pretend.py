"""Stands for gan-train where a search is looked at: reports at once what a run would in an hour.

`metric/fd_classifier` is least at `optimizer.lr=1e-3` and falls with the steps. It goes on where an
earlier start stopped, saves on SIGTERM, fails with `seed=13`, is refused with `seed=14`, and has
numbers that are not finite with `seed=15`; with `seed=16` it waits after its second report. With
`seed=17` its samples are all alike, and it goes on until it is stopped.
"""

import json
import math
import signal
import sys
import time
from pathlib import Path

STEPS, EVERY = 100, 20
given = dict(argument.lstrip("+").split("=", 1) for argument in sys.argv[1:] if "=" in argument)
folder, seed = Path(given["hydra.run.dir"].strip("'")), int(given.get("seed", 0))
away = abs(math.log10(float(given.get("optimizer.lr", 1e-3))) + 3)

if seed == 14:
    sys.exit(print("gan-train: data.root: no such folder", file=sys.stderr) or 2)
folder.mkdir(parents=True, exist_ok=True)
(folder / "config.yaml").write_text(f"optimizer: {{lr: {given.get('optimizer.lr', 1e-3)}}}\n")
reports = folder / "metrics.jsonl"
step = len(reports.read_text().splitlines()) * EVERY if reports.exists() else 0


def end(reason: str, code: int) -> None:
    (folder / "summary.json").write_text(json.dumps({"reason": reason, "step": step}))
    sys.exit(code)


if seed == 17:
    STEPS, away = 60_000, away + 1
    alike = {"health/diversity": 0.05, "health/uniqueness": 0.05}
else:
    alike = {}

signal.signal(signal.SIGTERM, lambda *_: end("stopped by SIGTERM", 143))
while step < STEPS:
    step += EVERY
    with reports.open("a") as file:
        value = 10 * away + 1 + 10 / step
        file.write(json.dumps({"step": step, "metric/fd_classifier": value, **alike}) + "\n")
    if seed == 13:
        end("out of memory", print("gan-train: out of memory", file=sys.stderr) or 1)
    if seed == 15:
        end("loss/D is not finite in step 20", 1)
    while seed == 16 and step == 2 * EVERY:
        (folder.parent.parent / "waiting").touch()
        time.sleep(0.01)
    time.sleep(0.03)
end("finished", 0)
