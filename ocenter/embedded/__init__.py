"""PostgreSQL and Redis started by ourselves, for `make run` and `make test`; production brings its own."""
