"""From a checkout or a wheel to an image: the base, what goes in, and the build itself."""
