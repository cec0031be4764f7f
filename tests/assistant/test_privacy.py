"""Libraries that would keep or send something about who uses them are told not to."""

import os
import subprocess
import sys
from pathlib import Path


def test_onnxruntime_keeps_no_device_id(tmp_path: Path) -> None:
    program = "import assistant, time, onnxruntime; time.sleep(0.5)"
    clean = {name: value for name, value in os.environ.items() if not name.startswith("ORT_")}
    subprocess.run(
        [sys.executable, "-c", program], check=True, env={**clean, "HOME": str(tmp_path)}
    )
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
