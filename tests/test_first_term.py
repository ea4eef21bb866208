"""`docs/first-term.md`: every command of it runs on the files that it names."""

import re
import shlex

import pytest
from checkout import ROOT

from safeschools_geo.cli import main

TEXT = (ROOT / "docs" / "first-term.md").read_text(encoding="utf-8")


@pytest.mark.real_data
def test_every_command_runs(real_data, tmp_path, monkeypatch, capsys):
    for name in re.findall(r"^\| `([\w.-]+)` \|", TEXT, re.MULTILINE):
        (tmp_path / name).write_bytes((real_data / "san_juan" / name).read_bytes())
    monkeypatch.chdir(tmp_path)
    commands = [
        shlex.split(line)
        for block in re.findall(r"```console\n(.*?)```", TEXT, re.DOTALL)
        for line in block.splitlines()
    ]
    assert [command[:2] for command in commands] == [
        ["safeschools", name] for name in ("new", "draft-zones", "check", "map")
    ]
    toml = tmp_path / "san-juan" / "district.toml"
    for _, *arguments in commands:
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert ended.value.code == 0, capsys.readouterr().err
        if arguments[0] == "new":
            # What the text says was found is what was found; and the questions are answered as it says.
            written = toml.read_text(encoding="utf-8")
            found, answer = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)
            assert all(line in written for line in found.splitlines() if " = " in line)
            toml.write_text(f"{written}\n{answer}", encoding="utf-8")
    assert (tmp_path / "san-juan" / "outputs" / "Fall 2017" / "maps" / "index.html").is_file()
