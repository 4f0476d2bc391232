"""How the documentation is built: Sphinx, MyST and furo; tables come from the code they describe."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "skipass"
author = "the skipass authors"
extensions = ["myst_parser", "skipass_tables", "skipass_reference"]
exclude_patterns = ["_build", "_ext", "decisions/template.md"]
smartquotes = False
html_theme = "furo"
html_title = "skipass"
html_copy_source = False
html_show_sphinx = False
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
