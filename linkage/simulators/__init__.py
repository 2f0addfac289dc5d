"""The simulated city and the simulated agencies: two processes that know ocenter over HTTP alone.

Nothing here imports a model, a setting or a table of ours. What the agencies hold, they hold in
SQLite files of their own, so their ledger can be compared with ours as that of a stranger.

Run them with ``manage.py simulate agencies`` and ``manage.py simulate city``, or without Django at all
with ``python -m linkage.simulators agencies|city``. Both read ``$OCENTER_DATA_DIR/simulators.json``
(written by ``seed_demo``), wait for it when it is absent, and notice when it changes.

==================  =====================================================================
``config``          environment, and the shared secrets and keys in ``simulators.json``
``geometry``        metres and points
``places``          where Daejeon's stations and neighbourhoods are
``journal``         SQLite with group commit: many writes, one fsync
``ledger``          what an agency keeps: receipts, arrivals, cases, callbacks
``faults``          the ways an agency can misbehave
``units``           fleets, routes, timetables
``callbacks``       telling ocenter, signed, in order, until it answers
``cases``           what an agency does about a relay, from thinking to closing
``services``        what each agency is, and how the cases of its own go
``casebook``        what an agency keeps of those cases: messages owed, answers, statuses heard
``caseload``        when they open and how they go on
``envoy``           telling ocenter of them, in order, until it answers
``office``          the agencies of one process, and what every handler asks
``agency``          the HTTP server around all that; ``caseroutes``, ``dashboard`` and ``overview`` are parts of it
``happenings``      what goes on in the city: a seeded, endless story
``sender``          one feed's outbox: batches, retries, heartbeats, the sender's log
``city``            the process that tells the story to ocenter
==================  =====================================================================
"""
