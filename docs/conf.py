# SPDX-License-Identifier: BSD-3-Clause
"""Settings of the pages: `sphinx-build -W --keep-going -b html docs build/docs`.

Every example of the gallery is run, every public name gets a page, and a link that leads nowhere is
an error.
"""

import os
import sys
import warnings
from pathlib import Path
from typing import Any

os.environ["MPLBACKEND"] = "Agg"
sys.path.insert(0, str(Path(__file__).parent))

import explored
from docutils.nodes import Text, literal_block

import thalweg

project = "thalweg"
author = "thalweg developers"
release = version = thalweg.__version__
html_title = f"thalweg {version}"

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
exclude_patterns = ["examples", "gallery/*.md5", "sg_execution_times.rst", "gallery/sg_*"]
templates_path = ["_templates"]

html_theme = "pydata_sphinx_theme"
html_theme_options = {
    "header_links_before_dropdown": 8,
    "navbar_end": ["theme-switcher"],
    "show_prev_next": True,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
}
html_sidebars = {page: [] for page in ("index", "tutorial", "explore", "install", "features")}
html_static_path = ["_static"]
html_css_files = ["pages.css"]
html_show_sourcelink = False
html_copy_source = False
copyright = author

# The pages of Markdown link to each other's headings as they do on a code host.
myst_heading_anchors = 4

default_role = "code"  # `x0` in docstrings
autosummary_generate = True
autodoc_typehints = "none"  # numpydoc's tables say it in words
numpydoc_show_class_members = False  # the template lists members in full
numpydoc_xref_param_type = False

# What the copy button takes: the lines after a prompt, without it.
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

sphinx_gallery_conf = {
    "examples_dirs": "examples",
    "gallery_dirs": "gallery",
    "filename_pattern": r"\.py$",
    "within_subsection_order": "gallery_order.Order",
    "abort_on_example_error": True,
    "copyfile_regex": "",
    "download_all_examples": False,
    "min_reported_time": 1e9,
    "remove_config_comments": True,
    "show_memory": False,
    "write_computation_times": False,
}

# Pages on which a click starts a descent, written anew for every build and copied as they are.
pages = Path(__file__).parent / "_pages"
pages.mkdir(exist_ok=True)
for name, (function, box, rate) in explored.FUNCTIONS.items():
    thalweg.plot.explore_html(function, box, pages / f"explore_{name}.html", learning_rate=rate)
html_extra_path = ["_pages"]

# A warning in an example is an error.
warnings.filterwarnings("error", module=r"thalweg(\.|$)")


def trim(_: object, document: Any) -> None:
    """Remove the empty line that ends a doctest on a Markdown page."""
    for block in document.findall(literal_block):
        text = block.astext().rstrip()
        block.children = [Text(text)]
        block.rawsource = text


# The methods of an objective that users call; its other methods serve the rest of the package.
OBJECTIVE = {
    *("__call__", "n", "tape", "with_args", "minimizer", "slice", "grad", "value_and_grad"),
    *("hessian", "hvp", "jacobian", "jvp", "vjp"),
}


def skip(_: object, what: str, name: str, member: Any, skipped: bool, __: object) -> bool | None:
    """Leave out methods that are not for users, and scikit-learn's, whose links lead nowhere."""
    if name == "get_metadata_routing" or (name.startswith("set_") and name.endswith("_request")):
        return True
    found = getattr(member, "fget", member)
    if what == "class" and getattr(found, "__qualname__", "") == f"Objective.{name}":
        return skipped or name not in OBJECTIVE
    return None


def setup(app: Any) -> None:
    """Connect what the pages need to Sphinx's events."""
    app.connect("doctree-read", trim)
    app.connect("autodoc-skip-member", skip)
