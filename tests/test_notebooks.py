"""Notebooks rerun for any district, saved as pages that ask nothing of the network."""

import json

import nbformat
import pytest
import town

from safeschools_geo.notebook_runs import NotebookError, notebook_files, notebook_html, run_notebooks, set_parameters


def test_there_are_notebooks_in_reading_order():
    assert [p.stem for p in notebook_files()][:3] == ["01_check", "02_zone_assignment", "03_incident_history"]


@pytest.mark.browser
def test_notebooks_of_another_district_open_without_a_network(tmp_path, browser_page):
    folder = town.write_town(tmp_path / "town")
    begun = []
    pages = run_notebooks(tmp_path / "out", district=folder, term="Fall", is_synthetic=False, on_step=begun.append)
    assert begun == [p.stem for p in pages] == [p.stem for p in notebook_files()]
    page = browser_page.open(tmp_path / "out" / "02_zone_assignment.html")
    frame = page.frame_locator("iframe")
    frame.locator(".leaflet-container").wait_for()
    assert frame.get_by_text("West").count()
    assert browser_page.requests == []
    assert browser_page.errors == []
    saved = json.loads((tmp_path / "out" / "02_zone_assignment.ipynb").read_text(encoding="utf-8"))
    assert any("Twosquare" in json.dumps(cell.get("outputs", [])) for cell in saved["cells"])


def notebook(*sources, tags=()):
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
    nbformat.write(
        notebook("district_folder = None", "raise ValueError('no such thing')", tags=["parameters"]),
        tmp_path / "1.ipynb",
    )
    monkeypatch.setattr("safeschools_geo.notebook_runs.notebook_files", lambda: [tmp_path / "1.ipynb"])
    with pytest.raises(NotebookError, match="ValueError: no such thing"):
        run_notebooks(tmp_path / "out", district=None, term=None, is_synthetic=True)
    assert not (tmp_path / "out").exists()
