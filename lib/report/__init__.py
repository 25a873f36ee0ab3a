"""What the chapters show: figures, tables, provenance, and the gate that a chapter passes before it is in the book."""
