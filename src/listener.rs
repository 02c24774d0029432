// CONTRACT (in work by the lead)
