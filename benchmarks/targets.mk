# How fast it is: see docs/benchmarks.md. Included by the Makefile.
PEER := benchmarks/.peers/prefect

bench: setup ## measure every row, resumable (up to 25 minutes on an idle machine); then the table
	@python -m benchmarks

bench-quick: setup ## every row on a tiny size: shows that it works, says nothing of speed
	@python -m benchmarks --quick

bench-setup: setup $(PEER)/.installed ## install the pinned peers into virtual environments of their own

$(PEER)/.installed: benchmarks/peers/prefect.txt | .venv/.installed
	@uv venv --quiet --allow-existing --python $(BIN)/python $(PEER)
	@uv pip install --quiet --compile-bytecode --python $(PEER)/bin/python --require-hashes -r benchmarks/peers/prefect.txt
	@touch $@
