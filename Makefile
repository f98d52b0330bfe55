# The commands of the house. Each brings what it needs first (.ci/setup) and keeps everything it builds or fetches in
# MODELTRAIL_CACHE (default ~/.cache/modeltrail), outside the clone. ARGS goes to the program: make demo ARGS=--once

.POSIX:
.PHONY: help demo test check bench screenshots fresh

help:
	@echo 'make demo    play a year of several models into a ledger, and leave the daemon running'
	@echo '             ARGS="--once --dir DIR": into DIR, verify one bundle, and exit'
	@echo 'make test    all tests, a real Apache Kafka and foreign checkers included'
	@echo 'make check   formatting, lints, documentation, house rules, licences'
	@echo 'make bench   throughput and size, as ratios against bare writes and hashes in the same run'
	@echo 'make screenshots   every page of the portal at two widths, light and dark, into screenshots/ (SCREENSHOTS=DIR)'
	@echo 'make fresh   prove `make demo` in a fresh Debian 12 (root and debootstrap; at least 15 minutes)'

demo:
	@sh .ci/setup demo
	@. ./.ci/env && cargo build --locked --workspace --bins && exec "$$CARGO_TARGET_DIR/debug/modeltraild" demo $(ARGS)

test:
	@sh .ci/test $(ARGS)

check:
	@sh .ci/check

bench:
	@sh .ci/setup bench
	@. ./.ci/env && cargo bench --locked --workspace --profile dev --bench '*' -- $(ARGS)

screenshots:
	@sh .ci/setup test
	@. ./.ci/env && cargo build --locked --workspace --bins && MODELTRAIL_BIN_DIR=$$CARGO_TARGET_DIR/debug \
		SCREENSHOTS=$${SCREENSHOTS:-$$PWD/screenshots} cargo test --locked --workspace --test browser -- --exact pages::every_look_is_a_picture_of_its_own

fresh:
	@sh .ci/fresh
