"""Renders templates as Home Assistant does, with Jinja: [{"template", "values"}] comes in, a list of texts goes out.

A value that a template asks for and a payload does not have is an error.
"""

import json
import sys

from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined)
jobs = json.load(sys.stdin)
json.dump([environment.from_string(job["template"]).render(job["values"]) for job in jobs], sys.stdout)
