"""What must hold of a published tree, checked against the original by somebody who did not write it."""
