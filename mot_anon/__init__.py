"""De-identify people in multi-object-tracking data and measure what it cost."""
