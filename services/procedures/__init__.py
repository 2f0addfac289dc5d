"""Procedures (SOP): what an operator does step by step for a kind of event, and how far each incident is with it.

`definition` says what a procedure is, `builtin` holds those that come with the product, `progress` works out how a
checklist stands, `selectors` read, `operations` write, `following` is what the incidents tell us.
"""
