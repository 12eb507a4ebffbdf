"""Region in, replacement out."""
