"""The Reader on spaCy (its only user): topics, feeling, language and answers, from phrases in `data/<language>/`."""
