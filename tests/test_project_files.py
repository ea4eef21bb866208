"""The files around the code say the same as the code."""

import pkgutil
import re
import tomllib

import pytest
from checkout import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CONDA_NAMES = {"tzdata": "python-tzdata"}


def name_of(requirement):
    return re.split(r"[<>=!~ \[;]", requirement)[0].lower()


def wanted():
    extras = PROJECT["optional-dependencies"]
    return set(PROJECT["dependencies"]) | set(extras["notebooks"]) | set(extras["dev"])


def test_environment_yml_and_pyproject_ask_for_the_same():
    lines = re.findall(r"^\s+- (\S+)$", (ROOT / "environment.yml").read_text(encoding="utf-8"), flags=re.MULTILINE)
    listed = {line for line in lines if re.match(r"[a-z]", line) and line not in {"conda-forge", "pip", "pip:"}}
    renamed = {r.replace(name_of(r), CONDA_NAMES.get(name_of(r), name_of(r)), 1) for r in wanted()}
    assert listed == renamed | {f"python{PROJECT['requires-python']}"}


def test_the_lock_pins_every_requirement_and_names_no_address():
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert not re.search(r"://|--(extra-)?index|--find-links| @ ", text)
    pinned = {name_of(line) for line in text.splitlines()}
    assert {name_of(r) for r in wanted()} <= pinned
    assert all("==" in line for line in text.splitlines() if line.strip())


@pytest.mark.parametrize(
    ("package", "oldest"),
    [("pandas", (3, 0)), ("shapely", (2, 1)), ("geopandas", (1, 1)), ("scikit-learn", (1, 7))],
)
def test_the_lock_is_of_current_releases(package, oldest):
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    version = re.search(rf"^{package}==([\d.]+)", text, flags=re.MULTILINE).group(1)
    assert tuple(map(int, version.split(".")[:2])) >= oldest


def test_the_reference_in_docs_is_that_of_the_code(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "docs")
    import make_reference  # noqa: PLC0415 - found only now

    for name, text in (
        ("data_dictionary.md", make_reference.data_dictionary()),
        ("settings.md", make_reference.settings_reference()),
    ):
        written = (ROOT / "docs" / name).read_text(encoding="utf-8")
        assert written == text, f"run python docs/make_reference.py: docs/{name} is out of date"


@pytest.mark.parametrize(
    "path",
    [
        *(ROOT / name for name in ("CONTRIBUTING.md", "docs/assumptions.md", "docs/guide.md")),
        *sorted((ROOT / "docs" / "decisions").glob("*.md")),
    ],
    ids=lambda p: p.name,
)
def test_what_the_documents_refer_to_in_the_code_is_there(path):
    package = ROOT / "safeschools_geo"
    parts = {p.stem for p in package.iterdir()}
    text = path.read_text(encoding="utf-8")
    for name in re.findall(r"`([a-z_]+(?:\.[a-z_]+)+)`", text):
        if name.split(".")[0] in parts and name.split(".")[-1] not in {"py", "pyi", "csv"}:
            assert pkgutil.resolve_name(f"safeschools_geo.{name}"), name
    for name in re.findall(r"`([a-z_]+(?:/[a-z_]+)*/[a-z_]+\.py)`", text):
        assert (ROOT / name).is_file() or (package / name).is_file(), name


def test_every_floor_is_explained_to_newcomers():
    told = set(re.findall(r"`([a-z_]+)(?:/|\.py)`", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")))
    package = ROOT / "safeschools_geo"
    modules = {p.stem for p in package.glob("[a-z]*.py")} | {p.parent.name for p in package.glob("[a-z]*/__init__.py")}
    assert modules <= told


def test_versions_agree():
    import safeschools_geo  # noqa: PLC0415

    assert PROJECT["version"] == safeschools_geo.__version__
    assert f"version: {PROJECT['version']}" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"## {PROJECT['version']}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda p: p.name)
def test_notebooks_say_and_modules_do(path):
    import jupytext  # noqa: PLC0415

    notebook = jupytext.read(path)
    code = [c for c in notebook.cells if c.cell_type == "code"]
    assert code[0].metadata["tags"] == ["parameters"]
    for cell in code:
        assert len(cell.source.splitlines()) <= 10
        assert not re.search(r"^\s*(def|class) ", cell.source, flags=re.MULTILINE)
        assert not cell.outputs
    script = jupytext.read(path.with_suffix(".py"))
    assert [c.source for c in script.cells] == [c.source for c in notebook.cells]
