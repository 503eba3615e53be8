"""Tables of texts and labels: reading files, choosing columns, checking labels, ratings and votes, splitting."""
