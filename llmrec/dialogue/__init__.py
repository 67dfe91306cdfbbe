"""What the user said: titles, constraints, opinions and acts read out of messages, and the words that answer them."""
