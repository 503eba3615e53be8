"""The pages of a running worker, and the HTTP server that answers them."""
