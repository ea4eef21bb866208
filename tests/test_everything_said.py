"""What finds contradictions in all that a run says does find them; the runs are searched where they are tested."""

import re

import said


def test_a_figure_that_differs_is_found(tmp_path):
    (tmp_path / "a.html").write_text("<p>Moving 3 schools brings the imbalance from 56.3% to 16.9%.</p>", "utf-8")
    (tmp_path / "b.txt").write_text("It falls: the imbalance from 56.3 % to 17.0 %", "utf-8")
    [fault] = said.contradictions(tmp_path)
    assert re.search("imbalance, gained: .*16.9.*a.html.*17.0.*b.txt", fault)
    table = "<table><caption>Loads</caption><tr><th>Zone<th>Hours</tr><tr><th>1</th><td>{}</td></tr></table>"
    for name, hours in (("c", "2.6"), ("d", "2.7")):
        head = table.replace("<th>Zone<th>Hours", "<th>Zone</th><th>Hours</th>")
        (tmp_path / f"{name}.html").write_text(head.format(hours), "utf-8")
    assert any("'Loads', '1', 'Hours'" in found for found in said.contradictions(tmp_path))


def test_a_count_of_one_with_a_plural_is_found(tmp_path):
    (tmp_path / "a.html").write_text("<p>The file has 1 rows that cannot be read at all.</p>", "utf-8")
    assert [found.split(":")[0] for found in said.contradictions(tmp_path)] == ["a.html"]
    # Numbers of tables, names of zones, and a share of several are no counts of one.
    cells = (
        "<table><tr><td>1</td><td>rows of the export, all told</td></tr></table><p>Zone 1 schools and 1 of 3 schools"
    )
    (tmp_path / "a.html").write_text(f"{cells} in 11 zones of the county</p>", "utf-8")
    assert said.contradictions(tmp_path) == []


def test_two_periods_and_the_names_of_nothing_are_found(tmp_path):
    text = "Streets between places are not seen.. The officer of a zone waits for nan minutes at a school named None."
    (tmp_path / "a.txt").write_text(text + " And so it goes on for a while.", "utf-8")
    assert len(said.contradictions(tmp_path)) == 2  # of two slips near each other, the first is shown
    plain = "And so on ... None of the figures is withheld; see ../maps. Choose All None or a zone of the district."
    (tmp_path / "a.txt").write_text(plain, "utf-8")
    assert said.contradictions(tmp_path) == []
