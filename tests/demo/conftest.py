"""The embedded demo, as its files have it and as the product reads it."""

import demo_tables
import pytest
from checkout import DEMO

from safeschools_geo.district._settings_file import load_settings


@pytest.fixture
def settings():
    return load_settings(DEMO)


@pytest.fixture
def district():
    return demo_tables.district()


@pytest.fixture
def zones():
    return demo_tables.zones()


@pytest.fixture
def schools():
    return demo_tables.schools()


@pytest.fixture
def raw():
    return demo_tables.raw()


@pytest.fixture
def history():
    return demo_tables.history()
