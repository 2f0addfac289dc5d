"""The Common Alerting Protocol, CAP 1.2 (OASIS, 2010): one document model for the feed that reads it, the
address that shows an incident in it, and the transport that sends it.

`xml` opens a document without being hurt by it, `reading` checks it after the schema and understands it,
`model` is what it says, `geometry` and `divisions` say where, `event_codes` what, `incident` tells an incident
of ours in it, and `writing` puts it down.
"""
