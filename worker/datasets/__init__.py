"""Tables of texts and labels: files read, columns chosen, labels, ratings and votes checked, texts held out."""
