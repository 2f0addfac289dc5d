"""The finder publishes the named files of npm packages and nothing else."""

from django.contrib.staticfiles import finders

from ocenter.staticfiles import PUBLISHED, NpmFinder


def test_every_named_file_is_found_and_has_no_source_map():
    for name in PUBLISHED:
        path = finders.find(f"vendor/{name}")
        assert path, name
        with open(path, "rb") as file:
            assert b"sourceMappingURL" not in file.read(), name


def test_a_file_that_is_not_named_is_not_found():
    assert finders.find("vendor/leaflet/package.json") is None
    assert finders.find("vendor/leaflet/../leaflet/package.json") is None
    assert finders.find("leaflet/dist/leaflet.js") is None


def test_listing_names_every_file_once():
    names = [name for name, _ in NpmFinder().list([])]
    assert len(names) == len(set(names)) == len(PUBLISHED)
