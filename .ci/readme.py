# SPDX-License-Identifier: BSD-3-Clause
"""Print the command that README gives for a job: `readme.py README.md "main job"`.

It is the one line of the ```bash block that follows `<!-- ci: main job -->`.
"""

import re
import sys
from pathlib import Path

path, job = sys.argv[1:]
marker = f"<!-- ci: {job} -->"
blocks = re.findall(
    re.escape(marker) + r"\s*\n```bash\n(.*?)\n```", Path(path).read_text("utf-8"), re.DOTALL
)
if len(blocks) != 1 or "\n" in blocks[0]:
    sys.exit(f"{path} must hold {marker!r} once, then a ```bash block of one line; got {blocks}")
print(blocks[0])
