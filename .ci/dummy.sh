#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# One operation, one place; one method, one file: `dummy.sh TREE COPY` adds an operation and a rule
# to a copy of the tree, builds it, and sees the tests that walk the lists test both, with no test
# changed. Needs pip and pytest on the path.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tree=$1 copy=$2
mkdir -p "$copy"
tar -C "$tree" --exclude=./build -cf - . | tar -xf - -C "$copy"
python3 "$here/dummy.py" "$copy"

# The baseline alone: the lists are the same for every set. It goes before what is installed.
SKBUILD_CMAKE_DEFINE="THALWEG_ISAS=none" pip install --quiet --no-deps --target "$copy/site" "$copy"
export PYTHONPATH=$copy/site
cd "$copy"
python -c 'import thalweg; assert thalweg.__file__.startswith("'"$copy/site"'"), thalweg.__file__'
# pytest fails where -k selects nothing: then a list is not walked.
pytest -q -p no:cacheprovider -k "$(python3 "$here/dummy.py" --operation)" tests/ops/test_ops.py
pytest -q -p no:cacheprovider -k "$(python3 "$here/dummy.py" --rule)" tests/methods/test_methods.py
