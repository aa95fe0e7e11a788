# Two commands on a fresh machine: `make demo` and `make test`. Each installs what is missing first.
.PHONY: demo test test-long films-grid fuzz lint bench readme assets clean
bin := .venv/bin
unexport PYTHONDONTWRITEBYTECODE  # tests and renders start many processes: none should compile all modules again

demo: .venv/installed
	$(bin)/netcore demo

test: lint
	$(bin)/python -m pytest

test-long: lint  # the long proofs too
	$(bin)/python -m pytest -m "slow or not slow" --timeout 1800

films-grid: .venv/installed  # every film on networks, images and frames of all kinds
	PYTHONPATH=.:tests $(bin)/python tests/film_grid.py

fuzz: .venv/installed  # damaged and forged files for every reader, other ones each time
	NETCORE_FUZZ=3000 $(bin)/python -m pytest tests/test_mutations.py --timeout 3600

lint: .venv/installed
	$(bin)/ruff check --quiet
	$(bin)/ruff format --check --quiet
	$(bin)/mypy --no-error-summary
	$(bin)/lint-imports

bench: .venv/installed
	$(bin)/python benchmarks/run.py

assets: demo  # the clips of the README, drawn anew where they are out of step (netcore.toml lists them)
	$(bin)/netcore render --jobs 2

readme: .venv/installed
	$(bin)/python tools/readme.py

.venv/installed: pyproject.toml constraints.txt tools/install.sh
	@sh tools/install.sh

clean:
	rm -rf .venv renders/demo build dist *.egg-info
