"""Sphinx extension: take out thebe, which Jupyter Book puts on every page even when it is off.

Its settings are written twice, which is a script error on every page, and name a server elsewhere.
"""


def drop_scripts(app, pagename, templatename, context, doctree):
    """Leave thebe's settings and its script out of a page."""
    context["script_files"] = [
        script
        for script in context["script_files"]
        if "thebe" not in f"{script} {getattr(script, 'attributes', {}).get('body') or ''}".lower()
    ]


def setup(app):
    """Register with Sphinx, after all that add scripts."""
    app.connect("html-page-context", drop_scripts, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
