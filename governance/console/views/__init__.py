"""Views of the console: one module a page or a small family of pages.

Rules:

1. Each module's ``register`` adds its routes to the console's blueprint.
2. A view parses, makes one call, and renders; what the page shows is made beside the views.

Example: ``home.register(blueprint)``.
"""
