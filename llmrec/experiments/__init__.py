"""Which arm a user is in, what the arms did, and what another policy would have done; nothing here serves anybody."""
