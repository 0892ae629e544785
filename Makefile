# Short forms of `python3 packaging/dev.py COMMAND`.
.PHONY: run setup test check test-long bench

run setup test check test-long bench:
	@python3 packaging/dev.py $@
