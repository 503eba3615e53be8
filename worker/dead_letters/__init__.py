"""Dead letters as a tool: read, select, explain, mend and replay them."""
