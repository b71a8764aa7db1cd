"""The pytest plugin. pytest loads `plugin`; it loads the rest when a test needs it."""
