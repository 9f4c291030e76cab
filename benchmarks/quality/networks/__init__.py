"""Networks of compared methods, and the parts that several of them share; a concept a file."""
