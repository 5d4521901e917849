"""Networks of the field, untrained and seeded, which the export takes unchanged, and what each costs."""
