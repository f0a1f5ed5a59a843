# How fast it is: see docs/benchmarks.md. Included by the Makefile.
PEERS := benchmarks/.peers

bench: setup ## measure every row, resumable (up to half an hour on an idle machine); then the table
	@python -m benchmarks

bench-quick: setup ## every row on a tiny size: shows that it works, says nothing of speed
	@python -m benchmarks --quick

bench-setup: setup $(PEERS)/prefect/.installed $(PEERS)/script/.installed $(PEERS)/crawlee/.installed ## install the pinned peers into virtual environments of their own

$(PEERS)/%/.installed: benchmarks/peers/%.txt | .venv/.installed
	@uv venv --quiet --allow-existing --python $(BIN)/python $(PEERS)/$*
	@uv pip install --quiet --compile-bytecode --python $(PEERS)/$*/bin/python --require-hashes -r $<
	@touch $@
