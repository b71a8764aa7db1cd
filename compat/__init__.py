"""Which version of the server can do what with the database of another: `make compat` finds out."""
