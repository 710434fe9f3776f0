# Two commands for a fresh machine; everything else is plain cargo (see CONTRIBUTING.md).
.PHONY: run test

# ARGS=--once ends by itself when the samples are signed; ARGS=--postgres keeps everything in a PostgreSQL of its own.
run:
	@scripts/run $(ARGS)

test:
	@scripts/setup test
	@scripts/test
