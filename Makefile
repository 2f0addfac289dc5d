# The two commands everybody needs; `make help` lists the rest.
PYTHON ?= python3
VENV := .venv/bin

.PHONY: setup
setup: ; @$(PYTHON) ocenter/bootstrap.py
