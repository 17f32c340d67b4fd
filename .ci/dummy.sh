#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# One operation, one place; one method, one file: `dummy.sh TREE COPY` adds an operation, a rule, a
# solver and a line search to a copy of the tree, builds it, and runs the whole suite there, with no
# test changed. Needs pip and pytest on the path.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tree=$1 copy=$2
mkdir -p "$copy"
tar -C "$tree" --exclude=./build -cf - . | tar -xf - -C "$copy"
python3 "$here/dummy.py" "$copy"

# The baseline alone: the lists are the same for every set. It goes before what is installed.
SKBUILD_CMAKE_DEFINE="THALWEG_ISAS=none;THALWEG_FEW_VARIABLES=0" \
  pip install --quiet --no-deps --target "$copy/site" "$copy"
export PYTHONPATH=$copy/site
cd "$copy"
python -c 'import thalweg; assert thalweg.__file__.startswith("'"$copy/site"'"), thalweg.__file__'
python docs/make_tables.py   # the pages' tables follow the lists
# pytest fails where -k selects nothing: then a list is not walked.
for name in $(python3 "$here/dummy.py" --names); do
  pytest -q -p no:cacheprovider -k "$name" tests/ops/test_ops.py tests/methods
done
# What names the sets of this build, and what takes its time from another, is tested elsewhere.
bash "$here/suite" --deselect tests/cli/test_parser.py::test_info --deselect tests/test_package.py
