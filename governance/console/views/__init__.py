"""One module a page or a small family of pages; each ``register`` adds its routes to the console's blueprint."""
