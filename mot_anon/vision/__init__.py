"""Reading people in pixels: detection and embedding."""
