"""From executed chapters to the book: parameters, provenance, the gate, the judge, and the pages of its verdicts."""
