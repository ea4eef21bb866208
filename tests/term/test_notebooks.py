"""Notebooks take their district and term, and become pages; `test_term_board` executes them all."""

import pytest
import town
from checkout import ROOT

from safeschools_geo.term._notebooks import NotebookError, notebook_files, notebook_html, run_notebooks, set_parameters


def test_every_notebook_there_is_runs_in_reading_order():
    folder = ROOT / "notebooks"
    files = notebook_files()
    assert files == sorted(folder.glob("*.ipynb"))
    assert [p.stem[:3] for p in files] == [f"{number:02}_" for number in range(1, len(files) + 1)]


def test_with_one_zone_the_last_notebook_says_that_there_is_nothing_to_rebalance(tmp_path, capsys):
    folder = town.write_town(tmp_path / "town", settings=town.SETTINGS.replace("zones = 2", "zones = 1"))
    one = town.zones().dissolve().assign(zone_id="A", name="All")
    one.to_file(folder / "data/boundaries/zones.geojson", driver="GeoJSON")
    path = next(p for p in notebook_files() if p.stem == "05_zone_rebalancing")
    import nbformat  # noqa: PLC0415 - seconds to load, and only one worker needs it

    saved = nbformat.read(path, as_version=4)
    set_parameters(saved, {"district_folder": str(folder), "term_name": "Fall"})
    names = {}
    for cell in saved.cells:
        if cell.cell_type == "code":
            exec(cell.source, names)  # noqa: S102 - a kernel would take seconds to start
    assert names["proposal"].is_empty
    assert "Twosquare, Fall. There is nothing to rebalance: there is only one zone." in capsys.readouterr().out


def notebook(*sources, tags=()):
    import nbformat  # noqa: PLC0415 - (same)

    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    cells[0].metadata["tags"] = list(tags)
    return nbformat.v4.new_notebook(cells=cells)


def test_parameters_go_into_the_tagged_cell_and_nowhere_else():
    made = notebook("district_folder = None", "x = 1", tags=["parameters"])
    set_parameters(made, {"district_folder": "a'b", "term_name": None})
    assert made.cells[0].source == 'district_folder = "a\'b"\nterm_name = None'
    assert made.cells[1].source == "x = 1"
    with pytest.raises(NotebookError, match="parameters"):
        set_parameters(notebook("x = 1"), {})


def test_a_page_says_what_its_data_are():
    made = notebook("x = '<script>alert(1)</script>'")
    page = notebook_html(made, title="a < b", is_synthetic=True)
    assert "SYNTHETIC DATA" in page
    assert "<title>a &lt; b</title>" in page
    assert "<script>alert(1)" not in page
    assert "SYNTHETIC" not in notebook_html(made, title="t", is_synthetic=False)


def test_a_cell_that_fails_is_named(tmp_path, monkeypatch):
    import nbformat  # noqa: PLC0415 - (same)

    nbformat.write(
        notebook("district_folder = None", "raise ValueError('no such thing')", tags=["parameters"]),
        tmp_path / "1.ipynb",
    )
    monkeypatch.setattr("safeschools_geo.term._notebooks.notebook_files", lambda: [tmp_path / "1.ipynb"])
    with pytest.raises(NotebookError, match="ValueError: no such thing"):
        run_notebooks(tmp_path / "out", district=None, term=None, is_synthetic=True)
    assert not (tmp_path / "out").exists()
