"""A recording sent again through the public intake, at its own pace or a multiple of it.

``recording``  a file into events in the order of their time, and the rows that are none
``stage``      whose events they are: a municipality, its feed, a key for the time of the replay
``sender``     when to send what, and what to do when it is not taken
"""
