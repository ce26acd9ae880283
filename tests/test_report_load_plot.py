"""Plots carry what they show, nothing else, and their axes have round numbers."""

import re
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest

from biztoken.reporting.load_plot import Line, clock, draw, fitting, linear, logarithmic, marked, number, stack, times

NAMESPACE = "{http://www.w3.org/2000/svg}"


def drawn(svg):
    """The drawing as a tree, and the class of every series that is in it."""
    root = ET.fromstring(str(svg))
    groups = [group.get("class", "") for group in root.iter(f"{NAMESPACE}g")]
    return root, [name.removeprefix("series ") for name in groups if name.startswith("series ")]


def test_drawing_holds_only_what_the_policy_of_the_page_allows():
    """No style, script, attribute of style, comment or definition; pygal's texts are all numbers."""
    root, _ = drawn(draw([Line("ok", [(0, 1), (1, 2)], dots=True)], times(2), linear(2)))
    tags = {element.tag.removeprefix(NAMESPACE) for element in root.iter()}

    assert tags == {"svg", "g", "path", "text", "title", "circle"}
    assert not any("style" in element.attrib for element in root.iter())
    assert root.get("aria-hidden") == "true"


def test_drawing_is_the_same_each_time():
    """Two renderings of a record do not differ."""
    lines = [Line("ok", [(0, 1), (1, 2)])]

    assert draw(lines, times(2), linear(2)) == draw(lines, times(2), linear(2))


def test_series_are_named_by_what_they_show():
    """The page colours them by these names."""
    _, series = drawn(draw([Line("p95", [(0, 1), (1, 2)]), Line("p50", [(0, 1), (1, 1)])], times(2), linear(2)))

    assert list(dict.fromkeys(series)) == ["p95", "p50"]


def test_missing_value_breaks_the_line():
    """A second without a reply is a gap, not a zero."""
    root, _ = drawn(draw([Line("ok", [(0, 1), (1, 2), (2, None), (3, 2), (4, 1)])], times(5), linear(2)))
    paths = [path.get("d") for path in root.iter(f"{NAMESPACE}path") if "nofill" in path.get("class", "")]

    assert len(paths) == 2


def test_point_without_a_neighbour_is_a_dot():
    """A single second between seconds without a value is seen; one of a line needs no dot."""
    root, series = drawn(draw([Line("p95", [(0, 1), (1, 2), (2, None), (3, 2), (4, None)])], times(5), linear(2)))

    assert set(series) == {"p95"}
    assert len(list(root.iter(f"{NAMESPACE}circle"))) == 1
    assert not list(drawn(draw([Line("p95", [(0, 1), (1, 2)])], times(2), linear(2)))[0].iter(f"{NAMESPACE}circle"))


def test_dot_tells_its_numbers():
    """The pointer shows them without a script."""
    assert '<title class="value">8: 158</title>' in draw(
        [Line("ok", [(1, 20), (8, 158)], dots=True)], logarithmic([1, 8]), linear(200)
    )


def test_column_is_made_of_its_pieces():
    """A piece for each value."""
    root, series = drawn(stack(["1", "2"], {"ok": [1, 2], "refused": [0, 3]}, linear(5)))

    assert set(series) == {"ok", "refused"}
    assert len(list(root.iter(f"{NAMESPACE}rect"))) == 4


@pytest.mark.parametrize("most", [0, 0.003, 0.7, 1, 9, 10, 19.9, 317, 142_934])
def test_linear_axis_reaches_what_it_shows(most):
    """From 0 to just above, few labels, evenly spaced."""
    axis = linear(most)

    assert axis.least == 0
    assert axis.most >= most
    assert 2 <= len(axis.ticks) <= 7
    assert len({round(after - before, 6) for before, after in pairwise(axis.ticks)}) == 1


@pytest.mark.parametrize("values", [[], [0.4], [1, 64], [0.02, 5000], [7, 8], [100, 100]])
def test_logarithmic_axis_reaches_what_it_shows(values):
    """It holds every value above 0 and at least two labels."""
    axis = logarithmic(values)

    assert all(axis.least <= value <= axis.most for value in values)
    assert len(axis.ticks) >= 2
    assert all(axis.value(axis.at(tick)) == pytest.approx(tick) for tick in axis.ticks)


def test_values_far_apart_get_a_logarithmic_axis():
    """A stall must not flatten the rest."""
    assert fitting([1, 2, 3, 4000]).log
    assert not fitting([50, 60, 90]).log
    assert not fitting([]).log


def test_marked_value_stands_out_among_the_labels():
    """It takes the place of what would touch it."""
    axis = marked(linear(40), 20.5)

    assert 20.5 in axis.ticks
    assert 20 not in axis.ticks
    assert re.search(r'class="plot marked"', draw([Line("ok", [(0, 1), (1, 2)])], times(2), axis))


@pytest.mark.parametrize("seconds", [1, 30, 59, 600, 7200, 86_400])
def test_time_axis_has_few_round_labels(seconds):
    """Whatever the length of a run."""
    axis = times(seconds)

    assert 1 <= len(axis.ticks) <= 12
    assert axis.most == seconds


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0 s"), (45, "45 s"), (300, "5 min"), (3600, "1:00 h"), (5400, "1:30 h")]
)
def test_time_is_told_as_people_say_it(value, text):
    """Seconds, minutes, hours."""
    assert clock(value) == text


@pytest.mark.parametrize(("value", "text"), [(0.5, "0.5"), (20, "20"), (1500, "1,500")])
def test_number_is_told_as_people_write_it(value, text):
    """Thousands are set apart."""
    assert number(value) == text
