"""`manage.py soak`, and what it has in common with the chaos tests: a town under load, its faults, its four ledgers.

What a sender was answered, what PostgreSQL holds, what an agency did and what a socket showed must tell one story.
Each module does one part: `installation` runs the processes, `clients` are the town's senders, readers and operator,
`books` compares, `faults` break, `drill` puts them in order, `matrix` prints.
"""
