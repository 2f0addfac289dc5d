"""Registries in: files of cameras and devices as cities publish them.

``table``      encoding, delimiter and rows of a CSV file
``fields``     one value at a time: coordinates, counts, year and month; what is wrong with it, in words
``profiles``   which column means what, for each kind of file
``sites``      one row into the cameras of a site or a device
``importer``   all rows into the database, by steps that are safe to repeat
``report``     the rejects, one line each, as a file the city can work through
"""
