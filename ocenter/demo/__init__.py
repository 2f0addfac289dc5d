"""The demo: two cities with people, linked systems, cameras and devices, all made up and reproducible.

``cities``   who and what there is: names, slugs, numbers of things
``scenery``  where the cameras and devices stand, drawn by a fixed seed inside real dongs
``secrets``  the passwords and keys, made once and kept in ``demo.json`` and ``simulators.json``
``sources``  the feeds that are polled
``seed``     all of it into the database; safe to repeat
"""
