# Two commands for a fresh machine; everything else is plain cargo (see CONTRIBUTING.md).
.PHONY: run test

# ARGS=--once ends by itself when the samples are signed.
run:
	@scripts/setup run
	@cargo build --release -p server
	@exec "$${CARGO_TARGET_DIR:-target}/release/sealmill" demo --home run-home $(ARGS)

test:
	@scripts/setup test
	@scripts/test
