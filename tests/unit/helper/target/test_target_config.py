# SPDX-License-Identifier: Apache-2.0
import json
from pathlib import Path

import pytest
from lundock.helper.target.config import from_data, load, parse_address

TOML = """
listen = ["127.0.0.1:0", "[::1]:0"]
announce = ["192.0.2.1:3260,1"]
discovery_chap = { name = "finder", secret = "secret-of-finder" }

[[targets]]
name = "iqn.2026-01.example:one"
alias = "one"
chap = { name = "alice", secret = "secret-of-alice" }
algorithms = ["SHA-256", "MD5"]
parameters = { MaxBurstLength = "8192" }
disks = [{ size = 1048576, lun = 3, block_size = 4096, read_only = true }, { file = "/tmp/x" }]
"""


def test_toml_and_json(tmp_path: Path):
    toml = tmp_path / "c.toml"
    toml.write_text(TOML)
    config = load(toml)
    target = config.targets[0]
    assert config.listen == (("127.0.0.1", 0), ("::1", 0))
    assert target.algorithms == (7, 5)
    assert target.disks[0].block_size == 4096
    assert target.disks[1].file == Path("/tmp/x")
    assert config.discovery_chap is not None
    data = {"targets": [{"name": "iqn.2026-01.example:one", "disks": [{"size": 512}]}]}
    as_json = tmp_path / "c.json"
    as_json.write_text(json.dumps(data))
    assert load(as_json).targets[0].disks[0].size == 512


@pytest.mark.parametrize(
    "data",
    [
        {"colour": "blue"},
        {"targets": [{"name": "x", "disks": [{}]}]},
        {"targets": [{"name": "x", "disks": [{"size": 512, "colour": 1}]}]},
        {"targets": [{"name": "x", "parameters": {"Colour": "1"}}]},
        {"targets": [{"name": "x", "algorithms": ["ROT13"]}]},
        {"targets": [{}]},
    ],
)
def test_mistakes_are_named(data: dict[str, object]):
    with pytest.raises(ValueError, match=r"\w"):
        from_data(data)


def test_addresses():
    assert parse_address("[::1]:3260") == ("::1", 3260)
    assert parse_address("127.0.0.1:0") == ("127.0.0.1", 0)
