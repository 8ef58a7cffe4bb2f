# The front door. CMake is the truth: CMakeLists.txt, CMakePresets.json.
BUILD ?= build
JOBS ?= $(shell nproc)
PREFIX ?= /usr/local
DATA ?= fashion-mnist

# The cache remembers FOVEA_TESTS, so that `make` after `make test` configures nothing anew.
build: $(BUILD)/CMakeCache.txt
	@cmake --build $(BUILD) -j $(JOBS) --target fovea libfovea

$(BUILD)/CMakeCache.txt:
	@cmake -S . -B $(BUILD) -DFOVEA_TESTS=OFF || { rm -f $@; false; } # a failed one is made anew

# Installs what is missing, builds, and runs the whole study; prints the report's path. DATA names another dataset.
study:
	@scripts/setup study
	@$(MAKE) --no-print-directory build
	@$(BUILD)/fovea study $(DATA)

test:
	@scripts/setup test
	@cmake -S . -B $(BUILD) -DFOVEA_TESTS=ON
	@cmake --build $(BUILD) -j $(JOBS)
	@ctest --test-dir $(BUILD) --output-on-failure -j $(JOBS)

# Every reader against libFuzzer, FUZZ_SECONDS each.
FUZZ_SECONDS ?= 60
fuzz:
	@scripts/setup ci
	@scripts/fuzz $(FUZZ_SECONDS)

# Training with PyTorch beside us, and what the kernels reach of this machine.
bench:
	@scripts/setup bench
	@$(MAKE) --no-print-directory build
	@cmake --build $(BUILD) -j $(JOBS)
	@bench/run $(BUILD)

# Kills trainings and studies at random moments and resumes them: docs/reliability.md. Then the large parts of
# tests/load/load.sh, every fault of tests/fault/faults.sh, all tests under the sanitizers of both compilers, and the
# readers for FUZZ_SECONDS each. KILLS, FAULTS: fewer of them.
KILLS ?= 400
FAULTS ?= 1000000
soak:
	@scripts/setup test
	@scripts/setup ci
	@$(MAKE) --no-print-directory build
	@tests/cli/resume.sh $(BUILD)/fovea $(KILLS)
	@cmake -S . -B $(BUILD) -DFOVEA_TESTS=ON
	@cmake --build $(BUILD) -j $(JOBS) --target fovea_faults load_tools
	@tests/load/load.sh $(BUILD)/fovea $(BUILD)/tests/load large
	@tests/fault/faults.sh $(BUILD)/tests/fault/fovea_faults $(FAULTS)
	@for compiler in gcc clang; do \
	    scripts/sanitize $$compiler asan && scripts/sanitize $$compiler tsan || exit 1; done
	@$(MAKE) --no-print-directory fuzz

install: whole
	@cmake --install $(BUILD) --prefix $(PREFIX)

# Debian packages, into $(BUILD): the program, the library, its headers.
package: whole
	@cd $(BUILD) && cpack

whole: $(BUILD)/CMakeCache.txt
	@cmake --build $(BUILD) -j $(JOBS) --target fovea libfovea libfovea_shared fovea_man

clean:
	@rm -rf $(BUILD)

.PHONY: build study test fuzz soak bench install package whole clean
