"""README's recipe in Python, as it stands there."""

import re
import subprocess
import sys
from pathlib import Path

from conftest import RUNS_MCP

README = Path(__file__).parents[3] / "README.md"


def test_recipe(tmp_path):
    [recipe] = re.findall(r"^```python\n(.*?)^```$", README.read_text(), re.DOTALL | re.MULTILINE)
    agent = tmp_path / "agent.py"
    agent.write_text(recipe)
    done = subprocess.run([sys.executable, agent, RUNS_MCP], capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == ["run_cancelling", "run_requires_action", "run_in_progress", "run_queued"]
